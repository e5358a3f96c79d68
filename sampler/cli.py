"""From the command line to the exit status; the only place that prints an error."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from io import RawIOBase, TextIOWrapper

from sampler.commands.parser import build_parser
from sampler.errors import InternalError, LibraryMissing, OutputError, SamplerError


def main(arguments: list[str] | None = None, build: Callable[[], argparse.ArgumentParser] = build_parser) -> int:
    """Runs one command and returns its exit status. ``build``: makes the parser, whose commands have a ``run``."""
    _open_standard_streams()
    try:
        return _run(arguments, build)
    except SamplerError as error:
        return _fail(error)
    except BrokenPipeError:
        # The reader of our output has all it wanted (`sampler report … | head`).
        _give_up_output()
        return 0
    except KeyboardInterrupt:
        return 130
    except ModuleNotFoundError as error:
        return _fail(LibraryMissing(f"{error.name} is not installed", "", f"pip install {error.name}"))
    except Exception as error:
        return _fail(InternalError.of(error))


def _run(arguments: list[str] | None, build: Callable[[], argparse.ArgumentParser]) -> int:
    chosen = build().parse_args(arguments)
    status: int = chosen.run(chosen)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _give_up_output()
        raise OutputError("cannot write the output", error.strerror or str(error), "make room") from error
    return status


def _give_up_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(error: SamplerError) -> int:
    print(f"sampler: {error}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:  # Python would try it once more at its end, and say so in words of its own
        _give_up_output()
    return error.exit_status


def _open_standard_streams() -> None:
    """A closed stream (``sampler … >&-``) becomes the null device, lest a pipe of ours take its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(1, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w")  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        if isinstance(sys.stdout.buffer, RawIOBase):
            # By PYTHONUNBUFFERED, as in many a container: what a signal cuts short would be lost, and nobody told.
            sys.stdout = open(1, "w", encoding=sys.stdout.encoding, closefd=False)  # noqa: SIM115
        sys.stdout.reconfigure(errors="backslashreplace")  # no character that the terminal lacks is worth a run
