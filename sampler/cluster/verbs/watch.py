"""Ask any question of the pods of a workload, on a timer: a row a pod, and one of all.

  kubectl sampler watch deploy/agent 'd.writeIndex - d.readIndex' --at main.write
  kubectl sampler watch -l app=agent 'd.writeIndex - d.readIndex' --at main.write -o jsonl
  kubectl sampler watch pod/agent-x EXPRESSION... --at POINT --ephemeral --image IMAGE

A pod that ends, or cannot be asked, does not end the others; one that is started anew, or takes another's place, is
found. Where a probe of the cluster watches a container, the longest pause is half of what that probe waits, at most.
Write -- in front of an expression that begins with a minus sign.
"""

from __future__ import annotations

import argparse

from sampler.cluster.ephemeral_options import add_ephemeral_options
from sampler.cluster.options import add_asking_options, target_and_rest
from sampler.commands.options import question_from
from sampler.commands.watch import add_words
from sampler.errors import UsageError

HELP = "ask any question of the pods of a workload"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_words(parser)
    add_asking_options(parser)
    add_ephemeral_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from sampler.cluster.session import ask_pods

    target, expressions = target_and_rest(arguments, arguments.words)
    if not expressions:
        raise UsageError(f"nothing is asked of {target}", fix="add an expression: TARGET EXPRESSION --at POINT")
    return ask_pods(arguments, target, question_from(arguments, arguments.point, expressions))
