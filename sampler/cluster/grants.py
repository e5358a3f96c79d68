"""Who may ask: a RoleBinding a user or group, made of the template under ``deploy/rbac``."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from dataclasses import dataclass

from sampler.cluster import lease, manifests
from sampler.cluster.errors import NotFound
from sampler.cluster.installation import Installation
from sampler.cluster.kubectl import Kubectl

_KINDS = {"User": "--user", "Group": "--group"}


@dataclass(frozen=True, slots=True)
class Grant:
    """``kind``: User or Group, ``name``: as the cluster's authentication has it."""

    kind: str
    name: str

    @property
    def binding(self) -> str:
        """Names of RBAC objects may hold all but these; who is renamed is told apart by a digest."""
        plain = re.sub(r"[/%\s]", "-", self.name)
        digest = "" if plain == self.name else "-" + hashlib.sha256(self.name.encode()).hexdigest()[:8]
        return f"sampler-{self.kind.lower()}-{plain}{digest}"

    def make(self, kube: Kubectl) -> None:
        """``kube``: with the agents' namespace. Raises NotFound where nothing is installed."""
        assert kube.namespace is not None
        try:
            kube.run("get", "namespace", kube.namespace)
        except NotFound as error:
            raise NotFound(
                "nothing is installed", error.why, "install the agents first: kubectl sampler install"
            ) from error
        objects = manifests.render(kube, manifests.folder("rbac"), kube.namespace)
        binding = manifests.only(objects, "RoleBinding")
        binding["metadata"]["name"] = self.binding
        binding["subjects"] = [{"kind": self.kind, "name": self.name, "apiGroup": "rbac.authorization.k8s.io"}]
        if (job := Installation(kube).lease()) is not None:
            lease.own(objects, job)
        kube.run("apply", "--server-side", f"--field-manager={manifests.MANAGER}", "--force-conflicts", "--filename=-",
                 stdin=json.dumps(manifests.as_list(objects)))  # fmt: skip

    def revoke(self, kube: Kubectl) -> None:
        """Raises NotFound where it was not given."""
        kube.run("delete", "rolebinding", self.binding)

    def viewing(self, namespace: str) -> str:
        """The command that lets them find pods, which is not ours to give."""
        return (
            f"kubectl create rolebinding sampler-view --clusterrole=view {_KINDS[self.kind]}={shlex.quote(self.name)}"
            f" --namespace={namespace}"
        )
