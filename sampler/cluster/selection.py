"""From a TARGET or a selector to pods, as kubectl itself understands them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sampler.cluster.errors import NoPods
from sampler.cluster.kubectl import Kubectl, Object
from sampler.errors import UsageError

# As the names of pods are, and the kinds of objects: DNS-1123 subdomains. None of them is an option of kubectl.
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?")
_OPERATORS = {"In": "in", "NotIn": "notin"}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pods of a namespace: one by its name, or those that a selector matches."""

    what: str
    pod: str | None = None
    selector: str | None = None

    @property
    def words(self) -> list[str]:
        """For ``kubectl get``."""
        return ["pods", self.pod] if self.pod is not None else ["pods", f"--selector={self.selector}"]

    def pods(self, kube: Kubectl) -> list[Object]:
        """Those there are now; NoPods where there is none."""
        found = kube.items("get", *self.words)
        if not found:
            raise NoPods(f"{self.what} has no pods", "nothing matches", "check the name and the namespace (-n)")
        return found


def select(kube: Kubectl, target: str | None, selector: str | None) -> Selection:
    """Of a command line: a TARGET (pod/NAME, NAME, deploy/NAME, svc/NAME, …) or ``-l SELECTOR``, not both."""
    if selector is not None:
        return Selection(f"-l {selector}", selector=selector)
    if target is None:
        raise UsageError("nobody to ask", fix="give pod/NAME, deploy/NAME or -l SELECTOR")
    kind, slash, name = target.partition("/")
    if not slash:
        kind, name = "pod", kind
    if not _NAME.fullmatch(kind) or not _NAME.fullmatch(name):
        raise UsageError(f"{target!r} names nothing", fix="give pod/NAME, deploy/NAME or -l SELECTOR")
    if not slash or kind in ("pod", "pods", "po"):
        return Selection(f"pod/{name}", pod=name)
    return Selection(target, selector=selector_of(kube.json("get", f"{kind}/{name}")))


def selector_of(workload: Object) -> str:
    """Of a Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, Service, …, as text; UsageError where it has none."""
    selector = workload.get("spec", {}).get("selector")
    if not selector:
        kind = workload.get("kind", "object")
        raise UsageError(f"a {kind} selects no pods", fix="give pod/NAME, deploy/NAME or -l SELECTOR")
    if (
        "matchLabels" not in selector and "matchExpressions" not in selector
    ):  # a Service's, or a ReplicationController's
        return _equal(selector)
    parts = [_equal(selector.get("matchLabels", {})), *map(_expression, selector.get("matchExpressions", ()))]
    return ",".join(part for part in parts if part)


def _equal(labels: dict[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels.items())


def _expression(expression: Object) -> str:
    key, operator = expression["key"], expression["operator"]
    if operator in _OPERATORS:
        return f"{key} {_OPERATORS[operator]} ({','.join(expression['values'])})"
    return key if operator == "Exists" else f"!{key}"
