"""What a program is busy with while it is asked."""

from __future__ import annotations

from bench.arms import Program
from bench.tracee import Tracee

# One thread spins, and a processor is left to whoever asks; or two do, on two processors.
_SPARE, _BUSY = ("-calm=50ms",), ()
# Go sends itself signals, each a stop for its tracer: some 100 a second, and with much garbage 1000.
_LITTLE_GARBAGE = {"GOGC": "10000"}
SPARE, BUSY = "a processor to spare", "none to spare"
#: By the name of the program and of the load: its options, and its environment.
LOADS: dict[str, dict[str, tuple[tuple[str, ...], dict[str, str]]]] = {
    "c_ring": {SPARE: (_SPARE, {}), BUSY: (_BUSY, {})},
    "tracee-noinline": {
        SPARE: (_SPARE, _LITTLE_GARBAGE),
        BUSY: (_BUSY, _LITTLE_GARBAGE),
        "a processor to spare, collecting garbage all the time": (_SPARE, {}),
    },
}
PLAIN_LOADS = (SPARE, BUSY)


def busy(program: Program, load: str, *options: str) -> Tracee:
    """The program under that load, to be started; with more options of its own."""
    given, environment = LOADS[program.name][load]
    return Tracee(*given, *options, program=program.path, environment=environment)
