"""Run as root of a node: how the first process of each container stands, told from outside. LOOK CONTAINER…"""

from __future__ import annotations

import json
import sys

from sampler.agent.processes import processes_of
from sampler.linux import procfs, text

for process in processes_of(sys.argv[1:]):
    if process["ns_pid"] == 1:
        pid = process["pid"]
        states = [procfs.task_state(pid, tid) for tid in procfs.threads(pid)]
        print(json.dumps(process | {
            "tracer": procfs.tracer(pid),
            "stopped": sum(state in "tT" for state in states),
            "patched": len(text.differences(pid)),
        }))  # fmt: skip
