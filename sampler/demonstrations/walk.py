"""One step, or all of them: in order, with what is missing here said, and ended at any moment."""

from __future__ import annotations

import threading

from sampler.demonstrations import STEPS, load
from sampler.demonstrations.stage import Interrupted, Run, Stage
from sampler.errors import SamplerError
from sampler.frontend import stop_signals


def walk(names: tuple[str, ...], run: Run, instrument: str, duration_ns: int | None, slides: bool) -> int:
    """Exit status 0, also where it was ended by Ctrl-C. Raises SamplerError where nothing could be shown."""
    halt = threading.Event()
    stage = Stage(run, halt, slides, instrument)
    with stop_signals(halt.set):
        try:
            _walk(stage, names, duration_ns)
        except Interrupted:
            print(flush=True)
    return 0


def _walk(stage: Stage, names: tuple[str, ...], duration_ns: int | None) -> None:
    shown, last = 0, names[-1]
    failed: SamplerError | None = None
    for name in names:
        try:
            _show(stage, name, duration_ns, len(names) > 1)
            shown += 1
        except SamplerError as error:
            stage.check()
            if len(names) == 1:
                raise
            failed = error
            stage.say("")
            stage.note(f"{name} is left out here: {error}")
        if name != last:
            stage.say("")
            stage.wait(f"Enter: {names[names.index(name) + 1]}")
    if failed is not None and not shown:
        raise failed


def _show(stage: Stage, name: str, duration_ns: int | None, of_many: bool) -> None:
    step = load(name)
    stage.duration_ns = duration_ns or step.DURATION_NS
    number = f"{STEPS.index(name) + 1} of {len(STEPS)}: " if of_many else ""
    stage.opens(name, step.TITLE, step.LOOK, number)
    step.show(stage)
