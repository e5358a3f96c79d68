"""A debugger process and its pseudo-terminal, by pexpect: started, written to, read without waiting, buried."""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from sampler.errors import DebuggerEnded
from sampler.instruments.language import Command
from sampler.linux import signals
from sampler.linux.signals import ProcessHandle

if TYPE_CHECKING:
    import pexpect

_COLUMNS = 10_000  # a line of output is never folded


class Terminal:
    """One debugger process, from its start to its end. ``process``: to signal it by."""

    def __init__(self, command: Command) -> None:
        import pexpect

        self._end_of_file, self._timeout = pexpect.EOF, pexpect.TIMEOUT
        self._name = os.path.basename(command.program)
        self._child: pexpect.spawn[str] = pexpect.spawn(
            command.program,
            command.arguments,
            env=command.environment,
            echo=False,
            encoding="utf-8",
            codec_errors="backslashreplace",
            timeout=None,
            maxread=1 << 16,
            dimensions=(24, _COLUMNS),
            ignore_sighup=True,
            preexec_fn=signals.unblock_all,  # a debugger hears of its tracees by SIGCHLD too
        )
        # pexpect's own pauses (50 ms before each send) would all be spent with the target suspended.
        self._child.delaybeforesend = self._child.delayafterread = None
        # Now, while it cannot have been waited for: pexpect does that whenever it looks whether it is alive.
        self.process = ProcessHandle(int(self._child.pid))

    @property
    def descriptor(self) -> int:
        """To wait for; it can be read when the debugger has said something."""
        return int(self._child.child_fd)

    def keep_open(self, lifeline: int) -> None:
        """Leaves a second descriptor of the terminal with the front end.

        Without it the debugger's terminal would hang up if we were killed, and the debugger end with
        the target in its hands. The message need not be read: a descriptor under way is open.
        """
        # A front end that has gone is noticed elsewhere, and is no reason to leave in mid-attach.
        with suppress(OSError), socket.socket(fileno=os.dup(lifeline)) as link:
            socket.send_fds(link, [b"terminal"], [self.descriptor])

    def send(self, text: str) -> None:
        """Writes it; DebuggerEnded when the terminal is closed."""
        try:
            self._child.send(text)
        except OSError as error:
            raise self._ended() from error

    def read(self, *patterns: str) -> str | None:
        """What was printed before one of the regular expressions; None if none is there yet. Raises DebuggerEnded."""
        wanted = [*(re.compile(pattern) for pattern in patterns), self._end_of_file, self._timeout]
        try:
            found = self._child.expect_list(wanted, timeout=0)
        except OSError as error:
            raise self._ended() from error
        if wanted[found] is self._timeout:
            return None
        if wanted[found] is self._end_of_file:
            raise self._ended()
        return str(self._child.before)

    def bury(self) -> None:
        """Takes note of the debugger's end, so that it does not stay a zombie.

        One that has not ended may still hold the target: it is left alone, its terminal open as long as
        we live. pexpect would kill it, now or when it is collected.
        """
        if self._child.closed:
            return
        if self.process.has_ended:
            self._child.delayafterclose = self._child.ptyproc.delayafterclose = 0
            self._child.close(force=False)
        else:
            os.dup(self._child.child_fd)  # closed by nobody: a terminal that hangs up would end the debugger
            self._child.ptyproc.fileobj.close()
            self._child.closed = self._child.ptyproc.closed = True
        self.process.close()

    def _ended(self) -> DebuggerEnded:
        said = str(self._child.before or "").strip().splitlines()
        return DebuggerEnded(f"{self._name} ended before it was let go", said[-1] if said else "")
