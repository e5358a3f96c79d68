"""Measure how long it takes from one point to another in the pods of a workload: a histogram, made in the kernel.

  kubectl sampler latency deploy/agent main.write main.write:return
  kubectl sampler latency -l app=agent usdt:entry usdt:exit --key arg0 --unit ms

One of all pods, and in figures each pod's own. The agents need the right to set uprobes, SYS_ADMIN on most kernels:
`kubectl sampler install --overlay privileged`, or the component sys-admin.
"""

from __future__ import annotations

import argparse

from sampler.cluster.ephemeral_options import add_ephemeral_options
from sampler.cluster.options import add_asking_options, target_and_rest
from sampler.commands.latency import add_words, question_of
from sampler.commands.tracing import add_pace_options

HELP = "how long from one point to another, in every pod"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_words(parser)
    add_asking_options(parser, add_pace_options)
    add_ephemeral_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from sampler.cluster.session import ask_pods

    target, points = target_and_rest(arguments, arguments.words)
    return ask_pods(arguments, target, question_of(arguments, points))
