"""A container's id in the forms in which runtimes write it."""

from __future__ import annotations

import os

import pytest

from sampler.linux.cgroups import container_id, containers_in, containers_of

ID = "3f1c2b5a9d8e7f60" * 4
INNER = "0123456789abcdef" * 4
POD = "8c1f4a6e-2b7d-4c39-9a51-6f0e2d3b4c5a"
POD_SLICE = POD.replace("-", "_")


@pytest.mark.parametrize(
    "line",
    [
        f"0::/kubepods/burstable/pod{POD}/{ID}",
        f"0::/kubepods/pod{POD}/{ID}",
        f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD_SLICE}.slice/cri-containerd-{ID}.scope",
        f"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{POD_SLICE}.slice/crio-{ID}.scope",
        f"0::/kubepods.slice/kubepods-pod{POD_SLICE}.slice/docker-{ID}.scope",
        f"0::/system.slice/kubepods-burstable-pod{POD_SLICE}.slice:cri-containerd:{ID}",
        f"0::/kubepods-burstable-pod{POD_SLICE}.slice:cri-containerd:{ID}",
        f"0::/docker/{ID}",
        f"0::/system.slice/docker-{ID}.scope",
        f"0::/machine.slice/libpod-{ID}.scope",
        f"0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{POD_SLICE}.slice/cri-containerd-{ID}.scope",
        # Groups below the container's own.
        f"0::/kubepods/burstable/pod{POD}/{ID}/init.scope",
        f"0::/kubepods.slice/kubepods-pod{POD_SLICE}.slice/cri-containerd-{ID}.scope/system.slice/nginx.service",
        f"0::/machine.slice/libpod-{ID}.scope/container",
        # As a cgroup namespace of another container shows it.
        f"0::/../cri-containerd-{ID}.scope",
        f"0::/../../pod{POD}/{ID}",
        f"0::/../../../kubepods-pod{POD_SLICE}.slice/crio-{ID}.scope",
    ],
)
def test_the_container_is_found(line: str) -> None:
    assert containers_in(line + "\n") == [ID]


def test_of_version_1_every_hierarchy_is_looked_at_and_each_container_named_once() -> None:
    text = f"""12:cpuset:/
11:memory:/kubepods/burstable/pod{POD}/{ID}
10:net_cls,net_prio:/kubepods/burstable/pod{POD}/{ID}
4:cpu,cpuacct:/kubepods/burstable/pod{POD}/{ID}
1:name=systemd:/kubepods/burstable/pod{POD}/{ID}
0::/
"""
    assert containers_in(text) == [ID]


def test_a_container_in_a_container_is_in_both() -> None:
    assert containers_in(f"0::/kubepods/burstable/pod{POD}/{ID}/docker/{INNER}\n") == [ID, INNER]


@pytest.mark.parametrize(
    "line",
    [
        "0::/",
        "0::/user.slice/user-1000.slice/session-3.scope",
        f"0::/kubepods/burstable/pod{POD}",
        f"0::/kubepods.slice/kubepods-pod{POD_SLICE}.slice/crio-conmon-{ID}.scope",
        f"0::/kubepods/pod{POD}/{ID[:40]}",
        f"0::/kubepods/pod{POD}/{ID}00",
        "no cgroup at all",
        "",
    ],
)
def test_what_is_in_no_container(line: str) -> None:
    assert containers_in(line + "\n") == []


def test_we_have_groups_too() -> None:
    assert isinstance(containers_of(os.getpid()), list)


def test_a_reference_of_kubernetes_is_an_id_with_its_runtime() -> None:
    assert container_id(f"containerd://{ID}") == ID
    assert container_id(f"cri-o://{ID}") == ID
    assert container_id(ID) == ID
    assert container_id("main") is None
    assert container_id(f"containerd://{ID[:12]}") is None
