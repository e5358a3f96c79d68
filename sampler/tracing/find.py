"""From the text of a point to the instructions that are traced there; the process is not touched.

Beside what every instrument understands (``debuginfo/points.py``): ``provider:name``, a static probe;
``FUNCTION:return``, the ways out of a function; and, where there is no debug information, functions by their symbols.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sampler.debuginfo.instructions import CALLED_NOP
from sampler.errors import BinaryError, NoDebugInfo, NotAnswerable, PointNotFound
from sampler.linux import procfs
from sampler.placing import PlannedPlace, is_exact
from sampler.planning import QuestionPlan, image_of, plan_question
from sampler.question import Question
from sampler.target import Target
from sampler.tracing.tasks import Probe, Site

if TYPE_CHECKING:
    from sampler.debuginfo import usdt
    from sampler.debuginfo.image import Image
    from sampler.debuginfo.placement import Code

_STATIC = re.compile(r"[A-Za-z_]\w*:[A-Za-z_]\w*")
_RETURN = ":return"
_PLAIN = re.compile(r"[\w./+@=-]+", re.ASCII)
_MOST_LISTED = 5
_LONGEST = 16  # bytes of an instruction, and one more


def find_probe(point: str, target: Target, plan: QuestionPlan | None = None) -> Probe:
    """Where hits of the point are met, each where that costs least; with ``plan``, where that has its answers.

    Raises PointNotFound, PointAmbiguous, NotAnswerable, ExpressionError, BinaryError.
    """
    if point.startswith(("uretprobe:", "ur:")):
        raise _no_return_probe(point, target)
    if is_static(point):
        provider, _, name = point.partition(":")
        return _static(point, provider, name, target)
    if point.endswith(_RETURN):
        return Probe(point, tuple(_exits(point.removesuffix(_RETURN), target)))
    return Probe(point, tuple(_sites(point, plan.places if plan else _places(point, target), target)))


def is_static(point: str) -> bool:
    """Whether it can only name a static probe."""
    return _STATIC.fullmatch(point) is not None and not point.endswith(_RETURN)


# Functions, lines and addresses.


def _places(point: str, target: Target) -> Sequence[PlannedPlace]:
    try:
        return plan_question(Question(point, ()), target, traced=True).places
    except (NoDebugInfo, PointNotFound):  # also of one function: an assembler's has a symbol only
        places = list(_by_symbol(point, target))
        if not places:
            raise
        return places


def _sites(point: str, places: Sequence[PlannedPlace], target: Target) -> Iterator[Site]:
    path = reachable(target, target.executable, procfs.executable(target.pid))
    with image_of(target) as image:
        for place in places:
            symbol = image.symbols.covering(place.address)
            if symbol is not None and place.address == symbol.address and not is_exact(point):
                _check_once_a_call(point, image, place)
            site = Site(
                path, place.address, _file_offset(image.elf, place.address), symbol.name if symbol else "",
                place.where, place.instruction, place.emulated, 0, place.plans, place.conditions,
            )  # fmt: skip
            yield _check_harmless(site, symbol.address if symbol else place.address)


def _check_harmless(site: Site, low: int) -> Site:
    """NotAnswerable where a probe would change what the program reckons with; ``low``: where its function begins."""
    if site.instruction == CALLED_NOP and site.address != low:
        raise NotAnswerable(f"no probe is set on {site.where}: `{site.instruction}`",
                            "Linux makes a call of it, which writes where the function may keep something",
                            "name another instruction, or ask with --instrument perf")  # fmt: skip
    return site


def _check_once_a_call(point: str, image: Image, place: PlannedPlace) -> None:
    """NotAnswerable where the only place is one that a loop passes, too."""
    from sampler.debuginfo.placement import Code

    code = Code.around(image, place.address)
    if code is not None and place.address == code.low and code.begins_with_a_loop:
        what, why = f"calls of {point} are not told from turns of a loop", "its first instruction is the loop's"
        raise NotAnswerable(what, why, f"count turns by {point}+0, or name its caller")


def _by_symbol(point: str, target: Target) -> Iterator[PlannedPlace]:
    from sampler.debuginfo.placement import Code
    from sampler.debuginfo.symbols import Symbols

    name, further = (point.rpartition("+")[0], int(point.rpartition("+")[2], 0)) if is_exact(point) else (point, None)
    with image_of(target) as image:
        for symbol in Symbols(image.elf).named(name) if name else ():
            code = Code.around(image, symbol.address)
            if further is not None:
                one = code.at(symbol.address + further) if code is not None else None
                if one is None:
                    continue
            else:
                one = code.first_cheap() if code is not None else None
            address, text, cheap = (one.address, one.text, one.emulated) if one else (symbol.address, "", False)
            yield PlannedPlace(address, symbol.name, (), (), text, cheap)


def _exits(point: str, target: Target) -> Iterator[Site]:
    """The returns of a function, and jumps to others in their place; NotAnswerable where it has none of its own."""
    path = reachable(target, target.executable, procfs.executable(target.pid))
    with image_of(target) as image:
        for code in _bodies(point, image, target):
            for one in code.exits():
                offset, where = _file_offset(image.elf, one.address), f"a way out of {code.name}"
                yield Site(path, one.address, offset, code.name, where, one.text, one.emulated)


def _bodies(point: str, image: Image, target: Target) -> list[Code]:
    from sampler.debuginfo.placement import Code, UnknownExit
    from sampler.debuginfo.points import Points

    if is_exact(point) or re.search(r":\d+$", point):
        raise NotAnswerable(f"{point} has no return", "it is no function", "name the function: main.f:return")
    try:
        places = Points(image).find(point)
        inlined = [place for place in places if place.inlined]
        if inlined:
            raise NotAnswerable(f"{point} does not return everywhere", f"it is inlined at {len(inlined)} places",
                                "name its caller, or build it without inlining")  # fmt: skip
        addresses = [place.address for place in places]
    except (NoDebugInfo, PointNotFound):
        addresses = [place.address for place in _by_symbol(point, target)]
        if not addresses:
            raise
    codes = [Code.around(image, address) for address in addresses]
    try:
        found = [code for code in codes if code is not None and code.exits()]
        if None in codes:
            raise UnknownExit("its code cannot be taken apart")
    except UnknownExit as reason:
        raise NotAnswerable(f"not all ways out of {point} are known", str(reason),
                            "give the instruction that is meant, like main.f+12") from reason  # fmt: skip
    if not found:
        raise NotAnswerable(f"{point} never returns", "there is no return in its code", "name another point")
    return found


def _no_return_probe(point: str, target: Target) -> NotAnswerable:
    function = point.partition(":")[2]
    why = "it changes the return address on the stack"
    if target.go_version is not None:
        why += ", which Go moves and checks: the program would end"
    return NotAnswerable(f"no return probe is set on {function}", why,
                         f"give {function}:return, the function's own return instructions")  # fmt: skip


# Static probes.


def _static(point: str, provider: str, name: str, target: Target) -> Probe:
    known: list[usdt.Probe] = []
    sites = [site for path, link in _files(target) for site in _static_sites(path, link, provider, name, target, known)]
    if sites:
        return Probe(point, tuple(sites), (provider, name))
    others = sorted({f"{one.provider}:{one.name}" for one in known})
    close = [one for one in others if one.startswith(provider + ":")] or others
    listed = ", ".join(close[:_MOST_LISTED]) + (", …" if len(close) > _MOST_LISTED else "")
    raise PointNotFound(
        f"process {target.pid} ({target.name}) has no static probe {point}",
        f"it has {listed}" if listed else "neither its program nor a library of it has any",
        "name a function as in the program, like main.f, or a probe, like python:gc__start",
    )


def _static_sites(
    path: str, link: str, provider: str, name: str, target: Target, known: list[usdt.Probe]
) -> Iterator[Site]:
    """``known``: takes all probes that the file has."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    from sampler.debuginfo import usdt

    try:
        with open(link, "rb") as file:
            elf = ELFFile(file)
            found = list(usdt.probes(elf))
            known += found
            opened = reachable(target, path, link)
            for probe in found:
                if (probe.provider, probe.name) == (provider, name):
                    yield _static_site(probe, elf, opened, os.path.basename(path))
    except (OSError, ELFError):
        return  # no program, or none that we may read: it is not there that a probe would be found


def _static_site(probe: usdt.Probe, elf: Any, path: str, file_name: str) -> Site:
    from sampler.debuginfo import usdt
    from sampler.debuginfo.instructions import decode

    offset = _file_offset(elf, probe.address)
    elf.stream.seek(offset)
    here = next(decode(elf.stream.read(_LONGEST), probe.address), None)
    text, emulated = (here.text, here.emulated) if here is not None else ("", False)
    semaphore = _file_offset(elf, probe.semaphore) if probe.semaphore else 0
    arguments = tuple(usdt.argument(probe, number) for number in range(usdt.MOST_ARGUMENTS))
    where = f"{probe.provider}:{probe.name} in {file_name}"
    site = Site(path, probe.address, offset, probe.name, where, text, emulated, semaphore, arguments=arguments)
    return _check_harmless(site, 0)


def _files(target: Target) -> Iterator[tuple[str, str]]:
    """What the process has mapped to execute: each file's path as it sees it, and one by which we can open it."""
    seen = set[tuple[str, int]]()
    for part in procfs.mappings(target.pid):
        if "x" in part.permissions and part.inode and (part.device, part.inode) not in seen:
            seen.add((part.device, part.inode))
            own = part.path == target.executable
            mapped = f"/proc/{target.pid}/map_files/{part.start:x}-{part.end:x}"
            yield part.path, procfs.executable(target.pid) if own else mapped


def reachable(target: Target, path: str, link: str) -> str:
    """A path by which anybody here finds the file: its own if that is the same for us, else through the process."""
    for candidate in (path, f"/proc/{target.pid}/root{path}"):
        if not _PLAIN.fullmatch(candidate):  # it becomes part of a program's text
            continue
        try:
            if os.path.samestat(os.stat(candidate), os.stat(link)):
                return candidate
        except OSError:
            continue
    return link


def _file_offset(elf: Any, address: int) -> int:
    at = next(elf.address_offsets(address), None)
    if at is None:
        raise BinaryError(f"there is nothing at {address:#x} of the file")
    return int(at)
