"""From the command line to the exit status; the only place that prints an error."""

from __future__ import annotations

import os
import sys

from sampler.commands.parser import build_parser
from sampler.errors import SamplerError


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    try:
        chosen = build_parser().parse_args(arguments)
        status: int = chosen.run(chosen)
        sys.stdout.flush()
        return status
    except SamplerError as error:
        print(f"sampler: {error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        # The reader of our output has all it wanted (`sampler report … | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
