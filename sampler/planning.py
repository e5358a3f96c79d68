"""From a question to its plans: one for each expression at each address. Nothing of the target is touched."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sampler.debuginfo.cache import Cache
from sampler.errors import BinaryError, ExpressionRefused, NoValueHere
from sampler.linux import procfs
from sampler.placing import PlannedPlace, cheapest, planned_at
from sampler.plan import codec
from sampler.question import Question
from sampler.target import Target

if TYPE_CHECKING:  # what compiles is imported where it is needed: an answer that was kept needs none of it
    from sampler.debuginfo.image import Image


@dataclass(frozen=True, slots=True)
class QuestionPlan:
    """``types``: of the answers; ``unsigned_bits``: of unsigned differences; both by expression.

    ``unanswerable``: the addresses of the point where the question has no answer, and why.
    """

    places: tuple[PlannedPlace, ...]
    types: dict[str, str]
    unsigned_bits: dict[str, int]
    unanswerable: tuple[tuple[int, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "places": [
                [
                    place.address,
                    place.where,
                    codec.encode(place.plans),
                    codec.encode(place.conditions),
                    place.instruction,
                    place.emulated,
                ]
                for place in self.places
            ],
            "types": self.types,
            "unsigned_bits": self.unsigned_bits,
            "unanswerable": [list(item) for item in self.unanswerable],
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> QuestionPlan:
        places = tuple(
            PlannedPlace(address, where, codec.decode(plans), codec.decode(conditions), instruction, emulated)
            for address, where, plans, conditions, instruction, emulated in data["places"]
        )
        unanswerable = tuple((address, reason) for address, reason in data["unanswerable"])
        return QuestionPlan(places, data["types"], data["unsigned_bits"], unanswerable)


def plan_question(question: Question, target: Target, cache: Cache | None = None, traced: bool = False) -> QuestionPlan:
    """Raises BinaryError, QuestionError or ExpressionError; the answer is kept by build-id.

    ``traced``: by a probe at every hit, which is put where it costs least.
    """
    cache = cache or Cache()
    key = (*_key(question, target), "traced" if traced else "")
    known = _from_cache(cache, key)
    if known is not None:
        return known
    from sampler.debuginfo.image import reading
    from sampler.expression.syntax import check_expression

    for expression in (*question.expressions, *([question.when] if question.when is not None else ())):
        check_expression(expression)
    with image_of(target) as image:
        bias = load_bias(target.pid, image)
        with reading(target.executable), _uncollected():
            made = _planned(question, image, bias, traced)
    if not question.point.startswith("0x"):  # an address depends on where the program was loaded
        cache.put(made.to_json(), *key)
    return made


@contextmanager
def _uncollected() -> Iterator[None]:
    """What is made here is needed until the end: to look through it for garbage would take a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _from_cache(cache: Cache, key: tuple[str, ...]) -> QuestionPlan | None:
    kept = cache.get(*key)
    try:
        return QuestionPlan.from_json(kept) if kept is not None else None
    except (LookupError, TypeError, ValueError):
        return None


def _key(question: Question, target: Target) -> tuple[str, ...]:
    about = os.stat(procfs.executable(target.pid))
    identity = target.build_id or f"{about.st_dev}:{about.st_ino}"
    return (
        identity,
        f"{about.st_size}:{about.st_mtime_ns}",
        question.point,
        json.dumps([question.expressions, question.when]),
    )


def _planned(question: Question, image: Image, bias: int, traced: bool) -> QuestionPlan:
    from sampler.debuginfo.points import Points

    places: list[PlannedPlace] = []
    refused: list[tuple[int, ExpressionRefused]] = []
    types: dict[str, str] = {}
    bits: dict[str, int] = {}
    for place in Points(image, bias).find(question.point):
        try:
            compiled, planned = planned_at(question, image, place)
        except ExpressionRefused as error:
            refused.append((place.address, error))
            continue
        places.append(cheapest(question, image, place, planned) if traced else planned)
        types |= {one.text: one.type_name for one in compiled}
        bits |= {one.text: one.unsigned_bits for one in compiled if one.unsigned_bits is not None}
    if not places:
        raise next((error for _, error in refused if not isinstance(error, NoValueHere)), refused[0][1])
    reasons = tuple((address, error.reason) for address, error in refused)
    return QuestionPlan(tuple(places), types, bits, reasons)


@contextmanager
def image_of(target: Target) -> Iterator[Image]:
    """The target's executable, and its debug files as the target's own root has them."""
    from sampler.debuginfo.image import Image

    try:
        file = open(procfs.executable(target.pid), "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise BinaryError(f"{target.executable} cannot be opened", error.strerror or str(error)) from error
    with file, Image(file, target.executable, f"/proc/{target.pid}/root") as image:
        yield image


def load_bias(pid: int, image: Image) -> int:
    """What was added to the file's addresses: 0 unless it is position-independent."""
    if image.elf["e_type"] != "ET_DYN":
        return 0
    segments = [segment for segment in image.elf.iter_segments("PT_LOAD") if segment["p_flags"] & 1]
    path = os.readlink(procfs.executable(pid))
    for part in procfs.mappings(pid):
        if "x" in part.permissions and part.path == path:
            for segment in segments:
                if segment["p_offset"] // 4096 * 4096 <= part.offset < segment["p_offset"] + segment["p_filesz"]:
                    return part.start - part.offset - int(segment["p_vaddr"] - segment["p_offset"])
    raise BinaryError(f"{image.path} is not mapped by process {pid}", fix="name a process whose program still runs")
