"""What the shell offers after `kubectl sampler`: kubectl asks the program kubectl_complete-sampler, if it is on PATH.

It gets the words so far, the last of them cut where the cursor is, and prints what may stand there, one a line; then
``:4``, which means that no file names are wanted (cobra, ShellCompDirectiveNoFileComp).
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator

from sampler.cluster.cli import build_parser
from sampler.cluster.errors import ClusterError
from sampler.cluster.kubectl import Kubectl
from sampler.cluster.verbs import VERBS

# Somebody waits at a prompt.
_PATIENCE_S = 3
_NO_FILES, _FILES = ":4", ":0"
_WORKLOADS = ("deploy", "statefulset", "daemonset", "pod")
_OF_FILES = ("--kubeconfig", "--save", "--kustomize", "-k")
# Options whose value is the name of something in the cluster, or in the kubeconfig.
_NAMED = {
    "-n": ("get", "namespaces", "--output=name"),
    "--namespace": ("get", "namespaces", "--output=name"),
    "--agents-namespace": ("get", "namespaces", "--output=name"),
    "--context": ("config", "get-contexts", "--output=name"),
}


def main(words: list[str] | None = None) -> int:
    """Never fails: a shell has no use for an error."""
    *before, word = (sys.argv[1:] if words is None else words) or [""]
    if before and before[-1] in _OF_FILES:
        print(_FILES)
        return 0
    print(*(offer for offer in offers(before, word) if offer.startswith(word)), sep="\n")
    print(_NO_FILES)
    return 0


def offers(before: list[str], word: str) -> Iterator[str]:
    """For the word after those ``before``."""
    if not before:
        yield from VERBS
        return
    verb, last = _verb(before[0]), before[-1]
    if verb is None:
        return
    if last in _NAMED:
        yield from _names(_kubectl(before), *_NAMED[last])
    elif (choices := _choices(verb, last)) is not None:
        yield from choices
    elif word.startswith("-"):
        shown = (action for action in verb._actions if action.help != argparse.SUPPRESS)
        yield from (option for action in shown for option in action.option_strings if option.startswith("--"))
    elif len(before) == 1 and _takes_target(verb):
        for kind in _WORKLOADS:
            yield from (f"{kind}/{name}" for name in _names(_kubectl(before), "get", kind, "--output=name"))


def _verb(name: str) -> argparse.ArgumentParser | None:
    group = next(action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    found: argparse.ArgumentParser | None = group.choices.get(name)
    return found


def _choices(verb: argparse.ArgumentParser, option: str) -> list[str] | None:
    """Of the option that is being given; None where no option waits for a value. Empty: anything may be."""
    for action in verb._actions:
        if option in action.option_strings and action.nargs != 0:
            return [str(choice) for choice in action.choices or ()]
    return None


def _takes_target(verb: argparse.ArgumentParser) -> bool:
    return any(not action.option_strings and "TARGET" in str(action.metavar) for action in verb._actions)


def _kubectl(before: list[str]) -> Kubectl:
    """With what was said of the cluster so far."""
    said = dict(itertools.pairwise(before))
    namespace = said.get("-n") or said.get("--namespace")
    return Kubectl(namespace, said.get("--context"), said.get("--kubeconfig"), patience_s=_PATIENCE_S)


def _names(kube: Kubectl, *words: str) -> list[str]:
    try:
        return [line.rpartition("/")[2] for line in kube.run(*words).split()]
    except ClusterError:
        return []


if __name__ == "__main__":
    sys.exit(main())
