"""The whole program of one place: what a breakpoint runs there, and the record that it hands over.

A record is a snapshot: the registers, and each piece of memory that the question reads, with its
address. Answers are worked out from it by the one evaluator (``sampler.plan``), as from a stopped thread.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

from sampler.bpf.assembler import FRAME, R0, R1, R2, R3, R4, R6, R7, R8, R9, Assembler, Label, TooFar
from sampler.bpf.values import REGISTERS_AT, NotExpressible, Stored, Values
from sampler.plan import nodes
from sampler.plan.nodes import Node, Reading
from sampler.plan.snapshot import Piece, Snapshot
from sampler.plan.trees import walk

# Helpers: include/uapi/linux/bpf.h, __BPF_FUNC_MAPPER.
_KTIME_GET_NS, _CURRENT_PID_TGID = 5, 14
_PROBE_READ_USER, _PROBE_READ_USER_STR = 112, 114
_LOOKUP, _OUTPUT = 1, 130
_FORCE_WAKEUP = 2

# What the shared counters count.
HITS, TAKEN, DROPPED, UNREADABLE, FOREIGN, PASSED_NS = range(6)
COUNTERS = 6
#: So many hits of other processes are borne; then each takes the breakpoint of its processor away, and says so.
MOST_FOREIGN = 16

#: What a record is about: an answer, too many hits that did not meet the condition, too many of other processes.
ANSWER, GIVEN_UP, OUTNUMBERED = 0, 1, 2
_HEAD = struct.Struct("<QQQQ17Q")  # begun, ended, thread, what; the registers
_READING = struct.Struct("<Qq")  # address; how many bytes were read, or an error below 0
MOST_BYTES = 31 << 10  # of a value in an array with one for each processor: PCPU_MIN_UNIT_SIZE, less a little
_FAULT = -14
_STOP, _STAY = 1, 0  # the program's result: whether the breakpoint is done (perf's overflow takes place) or stays


class Program:
    """``plans``: what is asked at one place; ``condition``: only hits at which it is true answer. ``only``: the
    process to which it is put, by its PID for the kernel; anybody else's hits are passed over.

    Raises NotExpressible.
    """

    def __init__(
        self,
        plans: Sequence[Node],
        bias: int,
        condition: Node | None = None,
        most_hits: int = 1,
        only: int | None = None,
    ) -> None:
        looked_at = walk(condition) if condition is not None else []
        if any(isinstance(node, nodes.Text | nodes.TerminatedText) for node in looked_at):
            raise NotExpressible("strings, to compare them")
        found = [*looked_at, *walk(*plans)]
        check_registers(found)
        #: Those of the condition come first: a hit that does not meet it reads no more.
        self._readings = list(dict.fromkeys(node for node in found if isinstance(node, Reading)))
        self._before = len({node for node in looked_at if isinstance(node, Reading)})
        self._bias, self._condition, self.most_hits, self._only = bias, condition, most_hits, only
        self._stored: dict[Node, Stored] = {}
        at = _HEAD.size
        for node in self._readings:
            self._stored[node] = Stored(at + 8, at + _READING.size)
            at += _READING.size + _room(node)
        self.size = at
        if at > MOST_BYTES:
            raise NotExpressible(f"so much at once: {at} bytes")
        try:
            self.code(0, 0, 0)  # what cannot be expressed is found here
        except TooFar as error:
            raise NotExpressible("so much at once") from error

    def code(self, ring: int, counters: int, scratch: int) -> bytes:
        """The instructions, for maps by their descriptors; ``scratch`` has room for ``size`` bytes."""
        self._asm = asm = Assembler()
        self._values, self._ring = Values(asm, self._stored, self._bias), ring
        self._stop, self._refused, self._unfit, self._spent, self._outnumbered = (asm.label() for _ in range(5))
        self._scratch = scratch
        asm.move(R6, R1)
        asm.map_value(R9, counters)
        if self._only is not None:
            self._pass_over_others(self._only)
        self._count(HITS)
        asm.move(R8, R1)
        asm.load(R1, R9, 8 * TAKEN)
        asm.jump_if_constant("!=", R1, 0, self._stop)
        self._find()
        asm.jump_if_constant(">=", R8, self.most_hits, self._spent)
        self._head(ANSWER)
        for node in self._readings[: self._before]:
            self._read(node)
        self._check()
        for node in self._readings[self._before :]:
            self._read(node)
        self._take()
        self._ends()
        return asm.assembled()

    # Parts.

    def _count(self, counter: int) -> None:
        """One more; what it was before in R1."""
        self._asm.set(R1, 1)
        self._asm.fetch_add(R9, 8 * counter, R1)

    def _pass_over_others(self, only: int) -> None:
        asm, ours = self._asm, self._asm.label()
        asm.call(_CURRENT_PID_TGID)
        asm.alu_with(">>", R0, 32)
        asm.jump_if_constant("==", R0, only, ours)
        self._count(FOREIGN)
        asm.jump_if_constant(">=", R1, MOST_FOREIGN, self._outnumbered)
        self._exit(_STAY)
        asm.place(ours)

    def _find(self) -> None:
        """This processor's scratch memory, into R7."""
        asm = self._asm
        asm.store_constant(FRAME, -8, 0)
        asm.map(R1, self._scratch)
        asm.move(R2, FRAME)
        asm.alu_with("+", R2, -8)
        asm.call(_LOOKUP)
        asm.jump_if_constant("==", R0, 0, self._stop)
        asm.move(R7, R0)

    def _head(self, what: int) -> None:
        asm = self._asm
        asm.call(_KTIME_GET_NS)
        asm.store(R7, 0, R0)
        asm.call(_CURRENT_PID_TGID)
        asm.store(R7, 16, R0)
        asm.set(R1, what)
        asm.store(R7, 24, R1)
        for number, at in enumerate(REGISTERS_AT):
            asm.load(R1, R6, at)
            asm.store(R7, 32 + 8 * number, R1)

    def _read(self, node: Node) -> None:
        """One piece of memory: its address, how much was read, and the bytes. What fails is said by the length."""
        asm, where = self._asm, self._stored[node]
        failed, done = asm.label(), asm.label()
        asm.set(R1, 0)
        asm.store(R7, where.status_at - 8, R1)
        assert isinstance(node, Reading)
        self._values.put(node.address, failed)
        asm.store(R7, where.status_at - 8, R0)
        self._take_bytes(node, where, failed)
        asm.jump(done)
        asm.place(failed)
        asm.set(R1, _FAULT)
        asm.store(R7, where.status_at, R1)
        asm.place(done)

    def _take_bytes(self, node: Reading, where: Stored, failed: Label) -> None:
        asm = self._asm
        if isinstance(node, nodes.Text):
            self._length(node, failed)
        else:
            asm.set(R2, _bytes_of(node))
        asm.store(R7, where.status_at, R2)
        asm.load(R3, R7, where.status_at - 8)
        asm.move(R1, R7)
        asm.alu_with("+", R1, where.data_at)
        terminated = isinstance(node, nodes.TerminatedText)
        asm.call(_PROBE_READ_USER_STR if terminated else _PROBE_READ_USER)
        asm.jump_if_constant("s<", R0, 0, failed)
        if terminated:
            asm.store(R7, where.status_at, R0)

    def _length(self, node: nodes.Text, failed: Label) -> None:
        """A string's length into R2, at most the limit."""
        asm, fits = self._asm, self._asm.label()
        self._values.put(node.length, failed)
        asm.jump_if_constant("s<", R0, 0, failed)
        asm.move(R2, R0)
        asm.jump_if_constant("<=", R2, node.limit, fits)
        asm.set(R2, node.limit)
        asm.place(fits)

    def _check(self) -> None:
        if self._condition is not None:
            self._values.put(self._condition, self._unfit)
            self._asm.jump_if_constant("==", R0, 0, self._refused)

    def _take(self) -> None:
        """Of threads that come at one instant, the first answers."""
        asm = self._asm
        self._count(TAKEN)
        asm.jump_if_constant("!=", R1, 0, self._stop)
        asm.call(_KTIME_GET_NS)
        asm.store(R7, 8, R0)
        self._hand_over(self.size)

    def _ends(self) -> None:
        asm = self._asm
        if self._condition is not None:
            if asm.is_used(self._unfit):
                asm.place(self._unfit)
                self._count(UNREADABLE)
            asm.place(self._refused)
            self._count_time()
            self._exit(_STAY)
        asm.place(self._spent)
        if self._condition is not None:
            self._head(GIVEN_UP)
            self._hand_over(_HEAD.size)
        else:
            self._exit(_STOP)
        if self._only is not None:
            asm.place(self._outnumbered)
            self._find()
            self._head(OUTNUMBERED)
            self._hand_over(_HEAD.size)
        asm.place(self._stop)
        self._exit(_STOP)

    def _count_time(self) -> None:
        """What this hit has taken in here, though nothing came of it."""
        asm = self._asm
        asm.call(_KTIME_GET_NS)
        asm.load(R1, R7, 0)
        asm.alu("-", R0, R1)
        asm.fetch_add(R9, 8 * PASSED_NS, R0)

    def _hand_over(self, size: int) -> None:
        asm, handed = self._asm, self._asm.label()
        asm.map(R1, self._ring)
        asm.move(R2, R7)
        asm.set(R3, size)
        asm.set(R4, _FORCE_WAKEUP)
        asm.call(_OUTPUT)
        asm.jump_if_constant("==", R0, 0, handed)
        self._count(DROPPED)
        asm.place(handed)
        self._exit(_STOP)

    def _exit(self, result: int) -> None:
        self._asm.set(R0, result)
        self._asm.exit()

    # The other side.

    @staticmethod
    def address_of(record: bytes) -> int:
        """Where the thread was hit: it stands before that instruction."""
        return int(_HEAD.unpack_from(record)[-1])

    def snapshot(self, record: bytes) -> Snapshot | None:
        """What a record says; None where it is no answer."""
        begun, ended, thread, what, *registers = _HEAD.unpack_from(record)
        if what != ANSWER:
            return None
        pieces = sorted(self._pieces(record), key=lambda piece: piece.terminated)
        return Snapshot(begun, ended, thread & 0xFFFFFFFF, tuple(registers), tuple(pieces))

    def _pieces(self, record: bytes) -> Iterator[Piece]:
        for node in self._readings:
            where = self._stored[node]
            address, length = _READING.unpack_from(record, where.status_at - 8)
            if length >= 0:
                terminated = isinstance(node, nodes.TerminatedText)
                # The zero of one that had more is the kernel's.
                length -= terminated and length == _bytes_of(node)
                yield Piece(address, record[where.data_at : where.data_at + length], terminated)


def check_registers(found: Iterable[Node]) -> None:
    """NotExpressible where something beyond a thread's general registers is wanted: nobody notes down the rest."""
    for node in found:
        if isinstance(node, nodes.Register) and node.number >= nodes.FIRST_VECTOR:
            raise NotExpressible("a value in a vector register")
        if isinstance(node, nodes.ThreadPointer):
            raise NotExpressible("storage of the thread's own")


def _bytes_of(node: Reading) -> int:
    """At most so many. Of a string up to a zero: one more than is shown, to tell that there are more, and the zero."""
    match node:
        case nodes.Block(size=size):
            return size
        case nodes.Text(limit=limit):
            return limit
        case nodes.TerminatedText(limit=limit):
            return limit + 2


def _room(node: Reading) -> int:
    return -(-_bytes_of(node) // 8) * 8
