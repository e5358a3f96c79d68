"""The cluster, and namespaces in it. It is brought up before, by `make e2e` or by hand."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from tests.e2e.kubernetes import KEPT, OURS, Cluster
from tests.e2e.programs import installed

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if not (KEPT / "admin.kubeconfig").exists():
        pytest.fail("no cluster is up: make e2e; or tests/e2e/cluster/cluster up", pytrace=False)
    found = Cluster()
    found.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
    yield found
    found.kubectl("wait", "--for=delete", "namespace", f"--selector={OURS}", "--timeout=120s", seconds=150)


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """One of the test's own."""
    with cluster.namespace(f"test-{os.getpid()}-{next(_numbers)}") as name:
        yield name


@pytest.fixture(scope="module")
def agents(cluster: Cluster) -> Iterator[None]:
    """On both nodes, for the tests of one file."""
    with installed(cluster, "--ttl=8h"):
        yield
