"""What each right of the default overlay is for: without it something stops working, and doctor says so before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.tracee import ROOT
from tests.e2e.kubernetes import Cluster
from tests.e2e.programs import PATIENT, POINT, WRITTEN, assert_untouched, deploy, deployment, installed, replicas

_SAMPLING = ("perf", "ptrace", "dlv")
#: The right that is left out, and which instruments answer without it on a target of another user.
_WITHOUT = {
    "SYS_PTRACE": (),
    "DAC_OVERRIDE": (),
    "KILL": ("perf", "ptrace"),
    "PERFMON": ("ptrace", "dlv"),
    "BPF": _SAMPLING,
}


@contextmanager
def without(cluster: Cluster, right: str, folder: Path) -> Iterator[None]:
    """Agents by the default overlay, less one right."""
    text = (ROOT / "deploy/overlays/default/capabilities.yaml").read_text()
    rights = [
        line.split("- ")[1]
        for line in text.splitlines()
        if line.strip().startswith("- ") and line.split("- ")[1].isupper()
    ]
    patch = "[" + ", ".join(one for one in rights if one != right) + "]"
    base = Path("../" * len(folder.resolve().parts)) / str(ROOT / "deploy/overlays/default").lstrip("/")
    (folder / "kustomization.yaml").write_text(f"""\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [{base}]
patches:
  - target: {{kind: DaemonSet}}
    patch: |-
      - {{op: replace, path: /spec/template/spec/containers/0/securityContext/capabilities/add, value: {patch}}}
""")
    assert right in rights
    with installed(cluster, "--kustomize", str(folder)):
        yield


def promised(examined: str) -> set[str]:
    """The instruments that can answer, by the word of doctor: `ok  by  there: perf  …`; `none: …` for the others."""
    told = (line.split() for line in examined.splitlines() if line.startswith("ok  by "))
    return {words[3] for words in told if words[4] != "none:"} & set(_SAMPLING)


def assert_weaker(cluster: Cluster, recorded: str, words: list[str]) -> None:
    """Without programs in the kernel perf reads memory a little after the registers, and can look at no condition."""
    assert '"atomic": false' in recorded
    asked = [*words, "--instrument=perf", "--when", f"{WRITTEN} > 0"]
    done = cluster.run("kubectl", "sampler", *asked, check=False)
    assert done.returncode == 1
    assert "CAP_BPF and CAP_PERFMON" in done.stderr


@pytest.mark.parametrize("right", list(_WITHOUT))
def test_without_a_right_an_instrument_stops_working_and_doctor_says_so(
    cluster: Cluster, namespace: str, right: str, tmp_path: Path
) -> None:
    deploy(cluster, namespace, deployment("agent", 1))
    before = replicas(cluster, namespace, "agent")
    with without(cluster, right, tmp_path):
        examined = cluster.run(
            "kubectl", "sampler", "doctor", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT, check=False
        )
        answered, said = [], {}
        for instrument in _SAMPLING:
            words = ["watch", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT, "--count=2"]
            how = [f"--instrument={instrument}", "-o", "jsonl", *PATIENT]
            done = cluster.run("kubectl", "sampler", *words, *how, check=False)
            said[instrument] = done.stderr
            if done.returncode == 0:
                answered.append(instrument)
            if (instrument, right) == ("perf", "BPF"):
                assert_weaker(cluster, done.stdout, words)
    assert tuple(answered) == _WITHOUT[right], said
    refused = [said[instrument] for instrument in _SAMPLING if instrument not in answered]
    assert not [one for one in refused if "report it" in one], refused  # each is refused, none stumbles
    assert promised(examined.stdout) == set(answered), examined.stdout
    assert_untouched(cluster, before, replicas(cluster, namespace, "agent"))


def test_uprobes_take_sys_admin_and_that_is_said(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """A component has it for those who want to trace; the default overlay does not."""
    deploy(cluster, namespace, deployment("agent", 1))
    words = ["watch", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT, "--instrument=bpftrace"]
    words += ["--aggregate=count", "--duration=1s", "--max-suspended=100%"]
    with installed(cluster):
        done = cluster.run("kubectl", "sampler", *words, check=False)
        assert done.returncode == 1
        assert "CAP_SYS_ADMIN" in done.stderr
    folders = [str(ROOT / "deploy" / name).lstrip("/") for name in ("overlays/default", "components/sys-admin")]
    default, component = ("../" * len(tmp_path.resolve().parts) + folder for folder in folders)
    (tmp_path / "kustomization.yaml").write_text(f"resources: [{default}]\ncomponents: [{component}]\n")
    with installed(cluster, "--kustomize", str(tmp_path)):
        cluster.run("kubectl", "sampler", *words)
