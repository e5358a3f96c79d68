"""The agent on a node of a cluster, and what is run beside it.

  sampler agent serve [--ttl TIME | --until MOMENT]     knows of every run, and writes each to standard output
  sampler agent ask --who NAME [--container ID] -- ...  one run, for somebody far away: the words of sampler record, or
                                                        of the --verb count or latency
  sampler agent processes --container ID                the processes of a container
  sampler agent status                                  who asks what since when
  sampler agent end                                     ends the agent, as SIGTERM does

They meet at a Unix socket, $SAMPLER_AGENT_SOCKET or /run/sampler/agent.sock. A run of ask goes on for as long as
something is written to its standard input now and then. Who asks is what they call themselves: what proves it is the
audit log of the cluster's API server, beside ours.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from sampler import units
from sampler.commands import count, latency
from sampler.commands.options import question_from, typed
from sampler.commands.words import recorder_words
from sampler.errors import SamplerError, UsageError

if TYPE_CHECKING:
    from sampler.agent.ask import Asked
    from sampler.question import AnyQuestion

_VERBS = ("record", "count", "latency")
HELP = "on a node of a cluster: what kubectl sampler talks to"
_MOST_DIGITS = 10
_SILENCE_NS = 15 * units.NS_PER_SECOND


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    serve = parts.add_parser("serve", help="the agent itself; ends by SIGTERM", allow_abbrev=False)
    until = serve.add_mutually_exclusive_group()
    until.add_argument("--ttl", type=typed(units.parse_duration), metavar="TIME", help="serve for so long, like 1h")
    until.add_argument("--until", metavar="MOMENT", help="serve until then, as RFC 3339 has it")
    serve.add_argument("--exit", action="store_true", help="end when the time is over; else it goes on to refuse runs")
    ask = parts.add_parser("ask", help="one run; its recording on standard output", allow_abbrev=False)
    ask.add_argument("--who", required=True, metavar="NAME", help="who asks, for the agent's log")
    ask.add_argument("--container", metavar="ID", help="refuse unless the process is of that container")
    ask.add_argument("--silence", type=typed(units.parse_duration), default=_SILENCE_NS, metavar="TIME",
                     help="leave when nothing came from standard input for so long (default 15s)")  # fmt: skip
    ask.add_argument("--verb", choices=_VERBS, default=_VERBS[0],
                     help="whose words these are (default record)")  # fmt: skip
    ask.add_argument("words", nargs="+", metavar="WORD", help="what that is told, like PID EXPRESSION --at POINT")
    processes = parts.add_parser("processes", help="the processes of containers", allow_abbrev=False)
    processes.add_argument(
        "--container", nargs="+", required=True, metavar="ID", help="as Kubernetes writes it, or bare"
    )
    parts.add_parser("status", help="who asks what since when", allow_abbrev=False)
    parts.add_parser("end", help="ends the agent, as SIGTERM does", allow_abbrev=False)


def run(arguments: argparse.Namespace) -> int:
    parts = {"serve": _serve, "ask": _ask, "processes": _processes, "status": _status, "end": _end}
    return parts[arguments.part](arguments)


def _serve(arguments: argparse.Namespace) -> int:
    from sampler.agent import lease
    from sampler.agent.room import Room
    from sampler.agent.serve import Server

    until = arguments.until or os.environ.get(lease.VARIABLE)
    if arguments.ttl is not None:
        given = lease.lease_for(arguments.ttl)
    else:
        given = lease.lease_until(until) if until else lease.Lease()
    Server(given, sys.stdout.fileno(), Room.told(), arguments.exit).serve()
    return 0


def _ask(arguments: argparse.Namespace) -> int:
    from sampler.agent.ask import Output, ask

    try:
        asked = _asked(arguments)
    except SamplerError as error:
        Output(sys.stdout.fileno(), arguments.silence / units.NS_PER_SECOND).finish(error)
        raise
    ask(asked, sys.stdin.fileno(), sys.stdout.fileno())
    return 0


def _asked(arguments: argparse.Namespace) -> Asked:
    from sampler.agent.ask import Asked
    from sampler.commands.parser import build_parser

    told = build_parser().parse_args([arguments.verb, *arguments.words])
    target, *asked = told.words
    if not (target.isascii() and target.isdigit() and len(target) < _MOST_DIGITS and asked):
        raise UsageError("nobody is asked", "the first word is no PID, or nothing follows",
                         "see `sampler agent processes` for PIDs")  # fmt: skip
    question = _question(arguments.verb, told, asked)
    # Made anew: what is no part of the question that is written down does not reach the recorder.
    words = recorder_words(question, told.instrument, target)
    container = None if arguments.container is None else _container(arguments.container)
    silence_s = arguments.silence / units.NS_PER_SECOND
    return Asked(arguments.who, int(target), question, told.instrument, words, container, silence_s)


def _question(verb: str, told: argparse.Namespace, asked: list[str]) -> AnyQuestion:
    """``asked``: the expressions, or the points."""
    match verb:
        case "count":
            return count.question_of(told, asked)
        case "latency":
            return latency.question_of(told, asked)
    return question_from(told, told.point, asked)


def _processes(arguments: argparse.Namespace) -> int:
    import json

    from sampler.agent.processes import processes_of

    for line in processes_of([_container(one) for one in arguments.container]):
        print(json.dumps(line, ensure_ascii=False))
    return 0


def _container(text: str) -> str:
    from sampler.linux.cgroups import container_id

    found = container_id(text)
    if found is None:
        raise UsageError(f"{text!r} is no container", fix="give its id, 64 hexadecimal digits")
    return found


def _status(_arguments: argparse.Namespace) -> int:
    import json

    from sampler.agent.status import status

    print(json.dumps(status(), ensure_ascii=False))
    return 0


def _end(_arguments: argparse.Namespace) -> int:
    from sampler.agent.end import end

    end()
    return 0
