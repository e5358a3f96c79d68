"""Which instruments and rates a comparison is to have, as they are typed; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from sampler.errors import UsageError
from sampler.instruments.base import INSTRUMENTS, TRACING


@dataclass(frozen=True, slots=True)
class Wanted:
    """An instrument as the command line names it; with rates of its own, or those given for all."""

    instrument: str
    rates: tuple[float, ...] = ()


def parse_instruments(text: str) -> tuple[Wanted, ...]:
    """``dlv,perf,bcc``; with rates of its own ``dlv:1:10``. UsageError."""
    found = tuple(_parse_one(word.strip()) for word in text.split(","))
    if len({one.instrument for one in found}) < len(found):
        raise UsageError(f"an instrument is named twice in {text!r}", fix="give its rates as NAME:1:10")
    return found


def _parse_one(word: str) -> Wanted:
    name, *rates = word.split(":")
    if name not in (*INSTRUMENTS, *TRACING):
        raise UsageError(f"no instrument {name!r}", fix=f"choose of {', '.join((*INSTRUMENTS, *TRACING))}")
    if rates and name in TRACING:
        raise UsageError(f"{name} meets every hit", "there is no rate to set", f"write {name} alone")
    return Wanted(name, parse_rates(",".join(rates)) if rates else ())


def parse_rates(text: str) -> tuple[float, ...]:
    """``1,10,100``, looks a second, in ascending order. UsageError."""
    try:
        rates = sorted({float(word) for word in text.split(",")})
    except ValueError:
        rates = []
    if not rates or not 0.01 <= rates[0] <= rates[-1] <= 1000:
        raise UsageError(f"{text!r} is no list of rates", fix="write looks a second from 0.01 to 1000, like 1,10,100")
    return tuple(rates)
