"""Runs one program by BCC, in the Python that BCC is installed for: nothing of ``sampler`` is imported here.

It reads an order from standard input, one JSON object, and writes what happens to standard output, one a line:

  {"ready": [low, high]}                          all is attached; times are of the monotonic clock, ns
  {"reading": [low, high], "maps": {name: …}}     every ``every_ms``, and once more when it is to end (SIGINT, SIGTERM)
  {"hits": "…"}                                   base64 of records, each of ``record`` bytes
  {"failed": "what", "why": "…"}                  the end
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import select
import signal
import sys
import time
from typing import Any

MOST_PENDING = 1 << 18


def main() -> None:
    order = json.loads(sys.stdin.readline())
    wake, alarm = os.pipe()
    os.set_blocking(alarm, False)
    signal.set_wakeup_fd(alarm)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    try:
        run(order, wake)
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more; the kernel takes the probes away with us


def run(order: dict[str, Any], wake: int) -> None:
    try:
        import bcc
    except ImportError as error:
        say({"failed": "import", "why": str(error)})
        return
    try:
        program = bcc.BPF(text=order["text"])
    except Exception as error:
        say({"failed": "compile", "why": str(error)})
        return
    begun = time.monotonic_ns()
    events: list[int] = []
    try:
        events.extend(attach(bcc, program, one, order["pid"]) for one in order["attach"])
    except OSError as error:
        say({"failed": "attach", "why": error.strerror or str(error)})
        return
    say({"ready": [begun, time.monotonic_ns()], "opened": len(events)})
    hits = Hits(program) if order["record"] else None
    follow(program, order, wake, hits)
    say(reading(program, order["maps"]))  # while all are set: to take one away takes 0.1 s
    for event in events:
        os.close(event)
    if hits:
        while hits.take():  # nobody adds to them any more
            pass
        say(reading(program, order["maps"]))  # of what was lost meanwhile
    os._exit(0)  # BCC's own way out would look for a file system that need not be there


def attach(bcc: Any, program: Any, one: dict[str, Any], pid: int) -> int:
    """A probe at an offset of a file, with its semaphore; by the call that the library's own methods use."""
    handler = program.load_func(one["function"], bcc.BPF.KPROBE)
    name = f"sampler_{os.getpid()}_{one['function']}_{one['offset']:x}".encode()
    event = bcc.lib.bpf_attach_uprobe(handler.fd, 0, name, one["path"].encode(), one["offset"], pid, one["semaphore"])
    if event < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number) if number else "the kernel refuses")
    return int(event)


def follow(program: Any, order: dict[str, Any], wake: int, hits: Hits | None) -> None:
    """Reads on time until asked to stop."""
    every = order["every_ms"] / 1000
    due = time.monotonic() + every
    watched = [wake] + ([hits.descriptor] if hits else [])
    while True:
        ready, _, _ = select.select(watched, [], [], max(0.0, due - time.monotonic()))
        if wake in ready:
            return
        if hits and hits.descriptor in ready:
            hits.take()
        if time.monotonic() >= due:
            say(reading(program, order["maps"]))
            due = max(due + every, time.monotonic())


class Hits:
    """What handlers hand over, record by record."""

    def __init__(self, program: Any) -> None:
        self._program, self._size = program, 0
        self._records: list[bytes] = []
        program["hits"].open_ring_buffer(self._add)
        self.descriptor = program["hits"].map_fd  # it can be polled itself: kernel/bpf/ringbuf.c

    def _add(self, _context: Any, data: int, size: int) -> int:
        """Below 0 when it is enough for now: else one who is slower than the target would take for ever."""
        self._records.append(ctypes.string_at(data, size))
        self._size += size
        return -1 if self._size >= MOST_PENDING else 0

    def take(self) -> bool:
        """Some of those that are there; whether there were any."""
        self._program.ring_buffer_consume()
        return self._flush()

    def _flush(self) -> bool:
        if not self._records:
            return False
        say({"hits": base64.b64encode(b"".join(self._records)).decode()})
        self._records, self._size = [], 0
        return True


def reading(program: Any, maps: dict[str, str]) -> dict[str, Any]:
    low = time.monotonic_ns()
    found = {name: content(program[name], kind) for name, kind in maps.items()}
    return {"reading": [low, time.monotonic_ns()], "maps": found}


def content(table: Any, kind: str) -> list[Any]:
    if kind == "stats":
        return [[one.count, one.sum, one.low, one.high] for one in table[0] if one.count]
    return [leaf.value for leaf in table.values()]


def say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
