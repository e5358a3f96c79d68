"""Answers that are text: strings of the target's, and small composites. Registered with the evaluator."""

from __future__ import annotations

from sampler.plan import nodes
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment, Step, compiled, kept


def register() -> None:
    """To be called by whoever evaluates: the import of this module has made the functions known."""


_CHUNK = 64  # a string's end is searched in pieces that never cross a page needlessly
_PAGE = 4096
_ESCAPES = {"\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


@compiled.register
def _text(node: nodes.Text) -> Step:
    address, length, limit = compiled(node.address), compiled(node.length), node.limit

    def read(moment: Moment) -> str:
        size = length(moment)
        if not 0 <= size < 1 << 48:
            raise NoAnswer(f"a string of {size} bytes cannot be")
        data = _read(moment, address(moment), min(size, limit)) if size else b""
        return shown(data, size - len(data))

    return kept(node, read)


@compiled.register
def _terminated(node: nodes.TerminatedText) -> Step:
    address, limit = compiled(node.address), node.limit

    def read(moment: Moment) -> str | None:
        start = address(moment)
        if not start:
            return None
        data = _until_zero(moment, start, limit)
        return shown(data[:limit], 0, len(data) > limit)

    return kept(node, read)


def _read(moment: Moment, address: int, size: int) -> bytes:
    try:
        return moment.read(address, size)
    except OSError as error:
        raise NoAnswer(str(error)) from error


def chunk(address: int) -> int:
    """How much is read at once of a string that goes on there: never beyond the page, which may be the last."""
    return min(_CHUNK, _PAGE - address % _PAGE)


def _until_zero(moment: Moment, start: int, limit: int) -> bytes:
    data = b""
    while len(data) <= limit:
        at = start + len(data)
        piece = _read(moment, at, chunk(at))
        head, zero, _ = piece.partition(b"\0")
        data += head
        if zero:
            break
    return data


def shown(data: bytes, left_out: int, cut: bool = False) -> str:
    """Bytes as text, written as Go's strconv.Quote would, but for the quotation marks.

    What is no UTF-8 or cannot be printed is escaped: an answer is shown on terminals, and steers none.
    """
    text = "".join(_escaped(mark) for mark in data.decode("utf-8", errors="surrogateescape"))
    if left_out:
        return f"{text}...+{left_out} more"
    return text + "..." if cut else text


def _escaped(mark: str) -> str:
    if mark in _ESCAPES:
        return _ESCAPES[mark]
    if mark.isprintable():
        return mark
    code = ord(mark)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no part of any character
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@compiled.register
def _labelled(node: nodes.Labelled) -> Step:
    of, names = compiled(node.of), dict(reversed(node.names))  # of several names the first

    def run(moment: Moment) -> str:
        value = of(moment)
        return names.get(value, str(value))

    return run


@compiled.register
def _quoted(node: nodes.Quoted) -> Step:
    of = compiled(node.of)

    def run(moment: Moment) -> str:
        value = of(moment)
        return "nil" if value is None else '"' + str(value).replace('"', '\\"') + '"'

    return run


@compiled.register
def _listing(node: nodes.Listing) -> Step:
    items = [compiled(item) for item in node.items]
    names = [name + node.assigned if name else "" for name in node.names] or [""] * len(items)

    def run(moment: Moment) -> str:
        inner = node.between.join(name + as_word(item(moment)) for name, item in zip(names, items, strict=True))
        return node.head + inner + node.tail

    return run


@compiled.register
def _elements(node: nodes.Elements) -> Step:
    items, length = [compiled(item) for item in node.items], compiled(node.length)
    capacity = compiled(node.capacity) if node.capacity is not None else length
    start = compiled(node.start) if node.start is not None else None

    def run(moment: Moment) -> str:
        count = length(moment)
        if count < 0:
            raise NoAnswer(f"a length of {count} cannot be")
        words = [as_word(item(moment)) for item in items[:count]]
        if count > len(items):
            words.append(f"...+{count - len(items)} more")
        head = node.head.replace("\0", str(count)).replace("\1", str(capacity(moment)))
        if start is not None and not start(moment):
            return head + "nil"
        return head + node.opening + node.between.join(words) + node.tail

    return run


def as_word(value: object) -> str:
    """A scalar as it stands in a composite's text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "nil" if value is None else str(value)
