"""One process of a selection, for what is asked of one alone."""

from __future__ import annotations

import argparse

from sampler.cluster.agents import Agents
from sampler.cluster.discovery import Discovery, Found, Refused
from sampler.cluster.finder import look
from sampler.cluster.options import agents_kubectl, choice_of, kubectl_of, selection_of


def first_process(arguments: argparse.Namespace) -> Found:
    """Of the first pod that can be asked; raises why none can."""
    discovery = Discovery(Agents(agents_kubectl(arguments)), arguments.container, choice_of(arguments))
    found = look(kubectl_of(arguments), selection_of(arguments, arguments.target), discovery)
    for one in found:
        if isinstance(one, Found):
            return one
    raise next(one.error for one in found if isinstance(one, Refused))
