"""Count the calls of functions in the pods of a workload, or the hits of static probes: all of them, in the kernel.

  kubectl sampler count deploy/agent main.write
  kubectl sampler count -l app=agent main.write main.write:return --duration 10s

The agents need the right to set uprobes, SYS_ADMIN on most kernels: `kubectl sampler install --overlay privileged`, or
the component sys-admin. Each hit costs its pod something: the first line says how much.
"""

from __future__ import annotations

import argparse

from sampler.cluster.ephemeral_options import add_ephemeral_options
from sampler.cluster.options import add_asking_options, target_and_rest
from sampler.commands.count import add_words, question_of
from sampler.commands.tracing import add_pace_options

HELP = "calls a second in every pod, every one of them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_words(parser)
    add_asking_options(parser, add_pace_options)
    add_ephemeral_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from sampler.cluster.session import ask_pods

    target, points = target_and_rest(arguments, arguments.words)
    return ask_pods(arguments, target, question_of(arguments, points))
