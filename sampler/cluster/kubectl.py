"""kubectl, run as a user would run it; what it prints on failure becomes a typed error."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sampler.cluster.errors import (
    ClusterError,
    ClusterUnreachable,
    Forbidden,
    KubectlFailed,
    KubectlMissing,
    NotFound,
    NotLoggedIn,
)

Object = dict[str, Any]
# A request that waits for nothing of its own; kubectl does not count by it what `exec` does once it is connected.
_REQUEST_TIMEOUT_S = 30
# For kubectl as a whole, so that a node that stops answering holds nobody.
_ANSWERS_WITHIN_S = 40.0
# `Error from server (REASON): …`, with the StatusReason of the API (apimachinery, meta/v1/types.go).
_FROM_SERVER = re.compile(r"Error from server(?: \((\w+)\))?: (.*)")
# What client-go and kubectl say where no answer came (kubectl, cmd/util/helpers.go; client-go, tools/clientcmd).
_NO_CONNECTION = re.compile(
    r"The connection to the server .* was refused|Unable to connect to the server|no route to host|i/o timeout"
    r"|context .* does not exist|cannot locate context|current-context must exist"
    r"|no configuration has been provided|stat .*: no such file"
    r"|error loading config|Error in configuration|Client\.Timeout exceeded|connection refused"
)
# What client-go logs for its own sake (klog), and what an API server would have told besides.
_BESIDES = re.compile(r"[EWI]\d{4} \d\d:|Warning:")


@dataclass(frozen=True, slots=True)
class Kubectl:
    """One cluster as one user sees it, with a namespace; None stands for what the kubeconfig has."""

    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None
    impersonated: str | None = None
    program: str = "kubectl"
    patience_s: int = _REQUEST_TIMEOUT_S

    def within(self, namespace: str | None) -> Kubectl:
        return replace(self, namespace=namespace)

    def words(self, *arguments: str) -> list[str]:
        """The whole command line."""
        where = {
            "--kubeconfig": self.kubeconfig,
            "--context": self.context,
            "--as": self.impersonated,
            "--namespace": self.namespace,
        }
        return [self.program, *(f"{name}={value}" for name, value in where.items() if value is not None), *arguments]

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """What it prints; a ClusterError if it fails."""
        return self._run(self.words(self._timeout, *arguments), stdin)

    def wait(self, *arguments: str, within_s: float = _ANSWERS_WITHIN_S) -> str:
        """The same for a command that waits; ClusterUnreachable where it takes longer."""
        return _good(self.finish(*arguments, within_s=within_s))

    def finish(self, *arguments: str, within_s: float = _ANSWERS_WITHIN_S) -> subprocess.CompletedProcess[str]:
        """The same for one that may fail and says why."""
        return self._finish(self.words(*arguments), None, within_s)

    def json(self, *arguments: str, stdin: str | None = None) -> Object:
        """The object that it prints."""
        said = self.run(*arguments, "--output=json", stdin=stdin)
        try:
            found: Object = json.loads(said)
        except ValueError as error:
            raise KubectlFailed("kubectl did not answer in JSON", _plain(said.strip().partition("\n")[0])) from error
        return found

    def items(self, *arguments: str) -> list[Object]:
        """The objects of a list, or the one."""
        found = self.json(*arguments)
        items: list[Object] = found.get("items", [found])
        return items

    def allows(self, verb: str, resource: str, *options: str) -> bool:
        """Whether the API server would let this user do that, by its own word."""
        words = self.words(self._timeout, "auth", "can-i", verb, resource, *options)
        done = self._finish(words, None, self.patience_s + _ANSWERS_WITHIN_S)
        answer = done.stdout.strip().partition(" ")[0]
        if answer not in ("yes", "no"):
            raise error_of(done.stderr)
        return answer == "yes"

    @property
    def _timeout(self) -> str:
        return f"--request-timeout={self.patience_s}s"

    def _run(self, words: list[str], stdin: str | None) -> str:
        # One command may make several requests; each has its own time.
        return _good(self._finish(words, stdin, 4.0 * self.patience_s))

    def _finish(self, words: Sequence[str], stdin: str | None, within_s: float) -> subprocess.CompletedProcess[str]:
        # A session of its own: Ctrl-C is ours to answer, and a change that is half made is worse than one that is late.
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        try:
            return subprocess.run(
                words, capture_output=True, text=True, check=False, errors="replace", start_new_session=True,
                timeout=within_s, **given,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise ClusterUnreachable(
                "the cluster does not answer", f"kubectl has not ended in {within_s:g} s", "try again"
            ) from error
        except OSError as error:
            raise missing(self.program, error) from error


def _good(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode:
        raise error_of(done.stderr)
    return done.stdout


def missing(program: str, error: OSError) -> KubectlMissing:
    return KubectlMissing(f"cannot run {program}", error.strerror or str(error), "install kubectl, and put it on PATH")


def error_of(said: str) -> ClusterError:
    """From what kubectl printed on its standard error."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not _BESIDES.match(line)]
    for line in lines:
        if found := _FROM_SERVER.search(line):
            return _refused(found[1] or "", found[2])
    for line in lines:
        if _NO_CONNECTION.search(line):
            return ClusterUnreachable(
                "the cluster cannot be reached", _plain(line), "check --context and --kubeconfig, or `kubectl get ns`"
            )
    last = _plain(lines[-1]) if lines else "it said nothing"
    if "Unauthorized" in last or "must be logged in" in last or "provide credentials" in last:
        return NotLoggedIn("the cluster does not know you", last, "log in anew, as for any kubectl command")
    if "have a resource type" in last:
        return NotFound("no such kind of object", last, "give pod/NAME, deploy/NAME, statefulset/NAME or -l SELECTOR")
    if "forbidden:" in last.lower():  # of the connection that `exec` opens: no Status comes with it
        return _refused("Forbidden", last)
    return KubectlFailed("kubectl failed", last)


def _refused(reason: str, why: str) -> ClusterError:
    match reason:
        case "Forbidden" if "violates PodSecurity" in why:
            return Forbidden(
                "the namespace does not admit such a pod", why, "ask by the agents: kubectl sampler install"
            )
        case "Forbidden":
            return Forbidden("not permitted", why, "ask whoever runs the cluster for that right")
        case "NotFound":
            return NotFound("not found", why, "check the name and the namespace (-n)")
        case "Unauthorized":
            return NotLoggedIn("the cluster does not know you", why, "log in anew, as for any kubectl command")
        case "ServiceUnavailable" | "Timeout" | "ServerTimeout":
            return ClusterUnreachable("the cluster does not answer", why, "try again")
    return KubectlFailed("the cluster refused", why)


def _plain(line: str) -> str:
    """Without the word that stands in front of every error."""
    return re.sub(r"^(error|Error): ?", "", line)
