"""Demonstrations of one command each: a program that is started, the command that asks it, as they would be typed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sampler.demonstrations.programs import built, end
from sampler.instruments.base import TRACING
from sampler.units import format_duration


@dataclass(frozen=True, slots=True)
class Demonstration:
    """``program`` is one of build/; ``words``: the command, where PID stands for its process."""

    program: str
    options: tuple[str, ...]
    words: tuple[str, ...]


_ALL = "--max-suspended=100%"
_DEMONSTRATIONS = {
    "uprobe-count": Demonstration("go_uprobe", ("-forever", "-rate=100000"), ("count", "PID", "main.f", _ALL)),
    "usdt-latency": Demonstration(
        "go_usdt", ("-forever",), ("latency", "PID", "usdt:entry", "usdt:exit", "--key=arg0", "--unit=ms", _ALL)
    ),
    "diode-gap": Demonstration("tracee", ("-forever",), ("diode-gap", "PID")),
}
_EVERY_HIT = ("--aggregate=hist", _ALL)


Run = Callable[[list[str]], int]


def show(name: str, instrument: str, duration_ns: int, run: Run) -> int:
    """``run``: a command line; its exit status. Raises SamplerError, also where there is no such program."""
    shown = _DEMONSTRATIONS[name]
    with _running(shown) as pid:
        words = [str(pid) if word == "PID" else word for word in shown.words]
        words.append(f"--instrument={instrument}")
        if name == "diode-gap" and instrument in TRACING:
            words += _EVERY_HIT
        if name != "diode-gap" or instrument in TRACING:
            _say("sampler", *words, "--program")
            run([*words, "--program"])
        words.append(f"--duration={duration_ns}ns")
        _say("sampler", *words[:-1], f"--duration='{format_duration(duration_ns)}'")
        return run(words)


def _say(*words: str) -> None:
    print(f"$ {' '.join(words)}", flush=True)


@contextmanager
def _running(shown: Demonstration) -> Iterator[int]:
    program = built(shown.program)
    _say(f"build/{shown.program}", *shown.options, "&")
    process = subprocess.Popen([str(program), *shown.options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it is ready; then it says nothing more
        yield process.pid
    finally:
        process.terminate()
        end(process)
        print(f"build/{shown.program} (PID {process.pid}) has been ended", file=sys.stderr)
