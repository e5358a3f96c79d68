"""What a user sees of several targets that are asked at once: while they are, and after."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from sampler.fleet.member import FleetView


def choose_fleet_view(form: str, quiet: bool, stream: IO[str]) -> FleetView:
    """As ``choose_view`` does for one: by ``--format``, and whether a person looks at a terminal."""
    if quiet:
        from sampler.fleet.member import Unseen

        return Unseen()
    if form == "jsonl":
        from sampler.fleet.joined import Writer
        from sampler.view.lines import AtOnce

        return Writer(AtOnce(stream))
    if form == "csv":
        from sampler.view.fleet.lines import FleetCsv

        return FleetCsv(stream)
    if stream.isatty():
        from sampler.view.fleet.live import FleetLive

        return FleetLive()
    from sampler.view.fleet.lines import FleetLines

    return FleetLines(stream)
