"""The cluster that the tests run on, as its users see it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bench.tracee import ROOT

KEPT = ROOT / "build" / "cluster"
NODES = ("node1", "node2")
#: Who may do everything; and two who may do nothing, until it is granted: in the groups developers and visitors.
ADMIN, JANE, BOB = "admin", "jane", "bob"
#: Where the agents are.
SPACE = "sampler-system"
#: Of a namespace in which no pod may do what an agent does.
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
SAMPLER, TARGETS, BARE = "localhost/sampler:dev", "localhost/targets:dev", "localhost/targets:bare"
#: The label of namespaces of tests.
OURS = "sampler-test"
_ANSWER_S = 120.0

Manifest = dict[str, Any]


class Cluster:
    """That of this checkout, while it is up."""

    def environment(self, user: str = ADMIN) -> dict[str, str]:
        """For a command that ``user`` runs: this kubectl and its plugin on PATH, and the user's credentials."""
        path = f"{KEPT / 'bin'}:{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
        return os.environ | {"PATH": path, "KUBECONFIG": str(KEPT / f"{user}.kubeconfig")}

    def run(
        self, *command: str, user: str = ADMIN, stdin: str | None = None, check: bool = True, seconds: float = _ANSWER_S
    ) -> subprocess.CompletedProcess[str]:
        """A command of ``user``'s. AssertionError, with what it said, if it fails and ``check``."""
        done = subprocess.run(command, env=self.environment(user), input=stdin or "",
                              capture_output=True, text=True, timeout=seconds, check=False)  # fmt: skip
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def kubectl(self, *words: str, **how: Any) -> str:
        """What kubectl prints; ``how`` as with ``run``."""
        return self.run("kubectl", *words, **how).stdout

    def get(self, *words: str, **how: Any) -> Any:
        return json.loads(self.kubectl("get", "--output=json", *words, **how))

    def may(self, user: str, *words: str) -> bool:
        """``may(JANE, "create", "pods", "--subresource=exec")``"""
        return self.run("kubectl", "auth", "can-i", *words, user=user, check=False).stdout.strip() == "yes"

    def apply(self, *manifests: Manifest, namespace: str) -> None:
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("--namespace", namespace, "apply", "--filename=-", stdin=json.dumps(items))

    def wait(self, namespace: str, condition: str, *what: str, seconds: int = 60) -> None:
        """``condition``: as kubectl's --for has it: condition=Ready, delete, jsonpath={.status.phase}=Succeeded."""
        self.kubectl("--namespace", namespace, "wait", f"--for={condition}", f"--timeout={seconds}s", *what)

    @contextmanager
    def lines(self, namespace: str, *what: str) -> Iterator[Iterator[str]]:
        """The log, from its first line, as it comes; the test's own time limit is its bound."""
        command = ["kubectl", "--namespace", namespace, "logs", "--follow", *what]
        with subprocess.Popen(command, env=self.environment(), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield (line.rstrip("\n") for line in process.stdout)
            finally:
                process.kill()

    def on_node(self, node: str, *command: str) -> str:
        """What a command says that root runs on the node itself."""
        script = str(ROOT / "tests" / "e2e" / "cluster" / "cluster")
        return self.run(script, "node", node.removeprefix("node"), *command).stdout

    @contextmanager
    def namespace(self, name: str, labels: Mapping[str, str] | None = None) -> Iterator[str]:
        """Deleted when the block is left, with all that is in it. It is gone some seconds later."""
        metadata = {"name": name, "labels": {OURS: ""} | dict(labels or {})}
        self.kubectl(
            "create", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        )
        try:
            # A pod made before its account is there is refused.
            self.wait(name, "create", "serviceaccount/default")
            yield name
        finally:
            self.kubectl("delete", "namespace", name, "--wait=false")


def pod(
    name: str, image: str, command: Sequence[str] = (), *, labels: Mapping[str, str] | None = None, **spec: Any
) -> Manifest:
    """One container, ``main``, that ends at once when it is told to. ``spec``: of the pod; but ``security``, the
    container's securityContext."""
    container: Manifest = {"name": "main", "image": image, "imagePullPolicy": "Never"}
    if command:
        container["command"] = list(command)
    if "security" in spec:
        container["securityContext"] = spec.pop("security")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": {"terminationGracePeriodSeconds": 0, "restartPolicy": "Never", "containers": [container], **spec},
    }
