"""The manifests as they are installed, the lease, and who may ask."""

from __future__ import annotations

import datetime
import json
import re
import shutil
import site
from pathlib import Path
from typing import Any

import pytest

from bench.tracee import ROOT
from sampler.cluster import lease, manifests
from sampler.cluster.cli import main
from sampler.cluster.errors import KubectlFailed
from sampler.cluster.grants import Grant
from sampler.cluster.installation import Plan, remedy, why_not_ready
from sampler.cluster.kubectl import Kubectl
from sampler.units import NS_PER_SECOND

_NOW = datetime.datetime(2031, 5, 1, 12, 0, tzinfo=datetime.UTC)
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl renders the manifests")


def planned(overlay: str, job: dict[str, Any] | None = None, **plan: Any) -> dict[str, dict[str, Any]]:
    objects = Plan(manifests.folder(f"overlays/{overlay}"), **plan).objects(Kubectl(), job)
    return {one["kind"]: one for one in objects}


@needs_kubectl
def test_the_default_overlay_has_a_few_capabilities_and_nothing_of_the_node() -> None:
    spec = planned("default")["DaemonSet"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    security = container["securityContext"]
    assert security["capabilities"] == {
        "drop": ["ALL"], "add": ["SYS_PTRACE", "DAC_OVERRIDE", "KILL", "PERFMON", "BPF"]
    }  # fmt: skip
    assert (security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"]) == (False, True)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert [volume for volume in spec["volumes"] if "emptyDir" not in volume] == []
    assert (spec["hostPID"], "hostNetwork" in spec, spec["automountServiceAccountToken"]) == (True, False, False)


@needs_kubectl
def test_the_privileged_overlay_is_as_in_the_talk() -> None:
    spec = planned("privileged")["DaemonSet"]["spec"]["template"]["spec"]
    assert spec["containers"][0]["securityContext"]["privileged"] is True
    assert "capabilities" not in spec["containers"][0]["securityContext"]
    assert {volume["hostPath"]["path"] for volume in spec["volumes"] if "hostPath" in volume} == {
        "/sys", "/lib/modules", "/usr/src"
    }  # fmt: skip


@needs_kubectl
@pytest.mark.parametrize(("component", "right"), [("sys-admin", "SYS_ADMIN"), ("memlock", "SYS_RESOURCE")])
def test_a_component_adds_one_right(component: str, right: str, tmp_path: Any) -> None:
    up = "../" * len(tmp_path.resolve().parts)
    default, part = (manifests.folder(name).lstrip("/") for name in ("overlays/default", f"components/{component}"))
    (tmp_path / "kustomization.yaml").write_text(f"resources: [{up}{default}]\ncomponents: [{up}{part}]\n")
    objects = Plan(str(tmp_path)).objects(Kubectl(), None)
    container = manifests.only(objects, "DaemonSet")["spec"]["template"]["spec"]["containers"][0]
    assert container["securityContext"]["capabilities"]["add"][-1] == right


@needs_kubectl
def test_image_time_and_namespace_are_put_in() -> None:
    job = lease.lease("mine", 3600 * NS_PER_SECOND, None, _NOW) | {"status": {"startTime": "2031-05-01T12:00:00Z"}}
    found = planned("default", job, namespace="mine", image="here/sampler:1")
    (container,) = found["DaemonSet"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "here/sampler:1"
    assert container["env"][-1] == {"name": "SAMPLER_AGENT_UNTIL", "value": "2031-05-01T13:00:00Z"}
    assert found["Namespace"]["metadata"]["name"] == "mine"
    assert {one["metadata"].get("namespace", "mine") for one in found.values()} == {"mine"}


def test_a_lease_is_a_job_without_pods_that_counts_from_its_start() -> None:
    job = lease.lease("here", 60 * NS_PER_SECOND, None, _NOW)
    assert (job["spec"]["parallelism"], job["spec"]["activeDeadlineSeconds"]) == (0, 60)
    assert job["spec"]["ttlSecondsAfterFinished"] == 0
    running = job | {"status": {"startTime": "2031-05-01T11:50:00Z"}}
    longer = lease.lease("here", 60 * NS_PER_SECOND, running, _NOW)
    assert longer["spec"]["activeDeadlineSeconds"] == 10 * 60 + 60
    assert lease.timestamp(lease.ends(longer | {"status": running["status"]})) == "2031-05-01T12:01:00Z"


def test_all_but_the_namespace_is_owned_by_the_lease() -> None:
    objects: list[dict[str, Any]] = [
        {"kind": kind, "metadata": {}} for kind in ("Namespace", "DaemonSet", "RoleBinding")
    ]
    lease.own(objects, {"metadata": {"name": "sampler-lease", "uid": "u"}})
    assert [one["kind"] for one in objects if "ownerReferences" in one["metadata"]] == ["DaemonSet", "RoleBinding"]


def test_names_that_no_object_may_have_are_told_apart() -> None:
    assert Grant("User", "jane@example.com").binding == "sampler-user-jane@example.com"
    one, other = Grant("Group", "a/b").binding, Grant("Group", "a%b").binding
    assert one != other
    assert not set("/% ") & set(one + other)
    assert Grant("User", "j d").viewing("apps") == (
        "kubectl create rolebinding sampler-view --clusterrole=view --user='j d' --namespace=apps"
    )


def test_of_an_agent_that_starts_again_and_again_it_is_told_what_it_ended_with() -> None:
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    ended = {"terminated": {"reason": "StartError", "message": "unable to apply caps: operation not permitted"}}
    pod = {"status": {"containerStatuses": [{"state": waiting, "lastState": ended}]}}
    assert why_not_ready(pod) == "StartError unable to apply caps: operation not permitted"
    assert "install -k FOLDER" in remedy(why_not_ready(pod), "here")
    del pod["status"]["containerStatuses"][0]["lastState"]
    assert why_not_ready(pod) == "CrashLoopBackOff back-off"
    unscheduled = {"status": {"conditions": [{"type": "PodScheduled", "status": "False", "message": "no node"}]}}
    assert why_not_ready(unscheduled) == "no node"


@needs_kubectl
def test_all_is_put_into_another_namespace_where_one_is_given() -> None:
    kube = Kubectl("elsewhere")
    objects = manifests.render(kube, manifests.folder("overlays/default"), "elsewhere")
    names = {one["metadata"].get("namespace", one["metadata"]["name"]) for one in objects}
    assert names == {"elsewhere"}
    assert "namespace: elsewhere" in manifests.as_yaml(kube, objects)


def test_the_image_has_the_delve_that_is_tested() -> None:
    made, image = (ROOT / "Makefile").read_text(), (ROOT / "deploy" / "Dockerfile").read_text()
    (tested,) = re.findall(r"^DLV_VERSION := (\S+)$", made, re.MULTILINE)
    assert f"ARG DLV_VERSION={tested}\n" in image


@needs_kubectl
def test_a_kustomization_without_our_overlay_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [account.yaml]\n")
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "namespace": "b"}}
    (tmp_path / "account.yaml").write_text(json.dumps(account))
    assert main(["install", "--dry-run", "-k", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "the kustomization has no DaemonSet" in said
    assert "put our overlay into its resources" in said


@needs_kubectl
def test_the_namespace_is_printed_first_wherever_it_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    up = "../" * len(tmp_path.resolve().parts)
    default = manifests.folder("overlays/default").lstrip("/")
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "namespace": "sampler-system"}}
    (tmp_path / "account.yaml").write_text(json.dumps(account))
    # Else kustomize puts a Namespace first.
    text = f"resources: [account.yaml, {up}{default}]\nsortOptions: {{order: fifo}}\n"
    (tmp_path / "kustomization.yaml").write_text(text)
    assert main(["install", "--dry-run", "-o", "json", "-k", str(tmp_path)]) == 0
    kinds = [one["kind"] for one in json.loads(capsys.readouterr().out)["items"]]
    assert kinds[:2] == ["Namespace", "Job"]
    assert kinds.count("Namespace") == 1
    assert kinds.count("ServiceAccount") == 2


def test_the_manifests_are_found_where_pip_puts_them_for_one_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "__file__", str(tmp_path / "lib" / "sampler" / "cluster" / "manifests.py"))
    monkeypatch.setattr(site, "getuserbase", lambda: str(tmp_path / "user"))
    installed = tmp_path / "user" / "share" / "sampler" / "deploy" / "only-there"
    installed.mkdir(parents=True)
    assert manifests.folder("only-there") == str(installed)
    with pytest.raises(KubectlFailed, match="give them by -k FOLDER"):
        manifests.folder("nowhere")


@needs_kubectl
def test_agents_are_put_on_nodes_that_their_image_is_for() -> None:
    spec = planned("default")["DaemonSet"]["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
