"""Programs damaged at random, in the places that are read of them."""

from __future__ import annotations

import io
import random
from contextlib import suppress

from elftools.elf.elffile import ELFFile

from sampler.debuginfo.image import Image, reading
from sampler.debuginfo.points import Points
from sampler.debuginfo.scope import Scope
from sampler.errors import SamplerError
from sampler.expression.compile import compile_expression

_MOST_FLIPS = 6
_ELF_HEADER = (0, 64)
_READ = (".debug", ".eh_frame", ".symtab", ".strtab", ".gnu", ".note", ".go.buildinfo")


def sections(whole: bytes) -> list[tuple[int, int]]:
    """Where in a file the parts lie that are read: headers, and sections of debug information and symbols."""
    elf = ELFFile(io.BytesIO(whole))
    found = [
        (section["sh_offset"], section["sh_offset"] + section["sh_size"])
        for section in elf.iter_sections()
        if section.name.startswith(_READ) and section["sh_type"] != "SHT_NOBITS"
    ]
    table = elf["e_shoff"], elf["e_shoff"] + elf["e_shnum"] * elf["e_shentsize"]
    return [_ELF_HEADER, table, *(span for span in found if span[0] < span[1])]


def damaged(whole: bytes, spans: list[tuple[int, int]], chance: random.Random) -> bytes:
    """A few bytes turned into others, most often near the beginning of a section; at times cut, too."""
    data = bytearray(whole)
    for _ in range(chance.randint(1, _MOST_FLIPS)):
        low, high = chance.choice(spans)
        size = high - low
        at = low + min(chance.choice([chance.randrange(size), int(chance.expovariate(1 / 60))]), size - 1)
        data[at] = chance.choice([0, 0xFF, 0x7F, 0x80, chance.randrange(256), data[at] ^ 1 << chance.randrange(8)])
    return bytes(data[: chance.randrange(len(data))]) if chance.random() < 0.1 else bytes(data)


def ask(data: bytes, points: list[str], expressions: list[str]) -> int:
    """Asks all of it; the number of answers. Anything else than an answer or one of our own errors is raised."""
    with Image(io.BytesIO(data), "damaged") as image:
        return sum(_asked_at(image, point, expressions) for point in points)


def _asked_at(image: Image, point: str, expressions: list[str]) -> int:
    answers = 0
    with suppress(SamplerError), reading("damaged"):
        for place in Points(image).find(point):
            scope = Scope(image, place)
            answers += len(scope.locals)
            for expression in expressions:
                answers += compile_expression(expression, scope).plan is not None
    return answers
