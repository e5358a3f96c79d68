"""Debug containers: their end, each by itself, with a kubectl on PATH that writes down what it was told."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from sampler.cluster.containers import choose
from sampler.cluster.ephemeral import Attached
from sampler.cluster.kubectl import Kubectl

_POD = json.loads((Path(__file__).parent / "kubernetes" / "pod.json").read_text())
# It serves as soon as it is asked for; the first that is to end is in a pod that is there no more.
_KUBECTL = """#!/bin/sh
cd {folder}
case "$*" in
*patch*) expr "$*" : '.*"name": "\\(sampler-[0-9a-f]*\\)"' >name;;
*--watch*) sed "s/NAME/$(cat name)/" running.json;;
*logs*) echo begun;;
*agent\\ end) echo "$*" >>ended; case "$*" in *gone*) echo 'Error from server (NotFound): no pod' >&2; exit 1; esac;;
esac
"""


def test_each_is_told_to_end_whatever_became_of_the_others(tmp_path: Path) -> None:
    program = tmp_path / "kubectl"
    program.write_text(_KUBECTL.format(folder=tmp_path))
    program.chmod(0o755)
    running = {"status": {"ephemeralContainerStatuses": [{"name": "NAME", "state": {"running": {}}}]}}
    (tmp_path / "running.json").write_text(json.dumps(running))
    attached = Attached(Kubectl(program=str(program)), "image", "perf")
    one = choose(_POD)
    for name in ("gone", "there"):
        container = dataclasses.replace(one, pod=name, id=name)
        agent = attached.near(container)
        assert attached.near(container) is agent
        assert agent.container in attached.remark(container)
    attached.end()
    ended = (tmp_path / "ended").read_text().splitlines()
    assert len(ended) == 2
    assert all(line.endswith("-- sampler agent end") for line in ended)
