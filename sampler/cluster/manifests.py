"""The manifests under ``deploy``, rendered by kubectl's own kustomize, as objects that can be changed."""

from __future__ import annotations

import json
import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from typing import Any

from sampler import __version__
from sampler.cluster.agents import NAMESPACE
from sampler.cluster.documents import documents
from sampler.cluster.errors import KubectlFailed, KustomizationIncomplete
from sampler.cluster.kubectl import Kubectl, Object

MANAGER = "kubectl-sampler"
#: What is ours, by its label.
OURS = f"app.kubernetes.io/managed-by={MANAGER}"
VERSION_ANNOTATION = "sampler/version"
_LIST = {"apiVersion": "v1", "kind": "List"}


def folder(name: str) -> str:
    """One of the folders of ``deploy``: in a checkout, or where an installation has put it."""
    for place in _places():
        if os.path.isdir(found := os.path.join(place, name)):
            return found
    raise KubectlFailed(f"no manifests {name!r}", "they are not where sampler was installed", "give them by -k FOLDER")


def _places() -> Iterator[str]:
    """The checkout; then wherever pip puts data: a venv's or the system's prefix, or the user's own."""
    yield os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "deploy")
    data = [sysconfig.get_path("data", scheme) for scheme in sysconfig.get_scheme_names() if os.name in scheme]
    for prefix in dict.fromkeys((sys.prefix, sysconfig.get_path("data"), site.getuserbase(), *data)):
        yield os.path.join(prefix, "share", "sampler", "deploy")


def render(kube: Kubectl, path: str, namespace: str = NAMESPACE) -> list[Object]:
    """The objects of a kustomization, in ``namespace``. Nothing is asked of the cluster."""
    objects = documents(_annotated(kube, kube.run("kustomize", path), "json"))
    for each in objects:
        _put_into(each, namespace)
    return objects


def only(objects: Iterable[Object], kind: str) -> Object:
    """The object of that kind; KustomizationIncomplete where there is none."""
    for each in objects:
        if each["kind"] == kind:
            return each
    raise KustomizationIncomplete(
        f"the kustomization has no {kind}", "the agents need one", "put our overlay into its resources"
    )


def as_list(objects: Iterable[Object]) -> dict[str, Any]:
    """One object, as kubectl takes and gives several."""
    return _LIST | {"items": list(objects)}


def as_yaml(kube: Kubectl, objects: Iterable[Object]) -> str:
    """As ``kubectl apply`` takes them, and people read them."""
    return _annotated(kube, "".join(json.dumps(each) + "\n" for each in objects), "yaml").rstrip()


def _annotated(kube: Kubectl, text: str, form: str) -> str:
    """With our version in them. kustomize writes YAML only, but a change that is local gives any form back."""
    version = f"{VERSION_ANNOTATION}={__version__}"
    # Without a namespace: kubectl refuses objects that are of another.
    return kube.within(None).run(
        "annotate", "--local", "--overwrite", "--filename=-", version, f"--output={form}", stdin=text
    )


def _put_into(each: Object, namespace: str) -> None:
    metadata = each["metadata"]
    if each["kind"] == "Namespace":
        if metadata["name"] == NAMESPACE:
            metadata["name"] = namespace
    elif "namespace" in metadata:
        metadata["namespace"] = namespace
