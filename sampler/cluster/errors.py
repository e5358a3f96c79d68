"""What can fail between a user and a pod, beyond what can fail on one machine."""

from __future__ import annotations

from sampler.errors import SamplerError, TargetError


class ClusterError(SamplerError):
    """The cluster cannot be asked for something."""


class KubectlMissing(ClusterError):
    """No kubectl."""


class KubectlFailed(ClusterError):
    """kubectl refused, for a reason that has no type of its own here."""


class ClusterUnreachable(ClusterError):
    """No connection to the API server, or none of that name in the kubeconfig."""


class NotLoggedIn(ClusterError):
    """The API server does not know who we are."""


class Forbidden(ClusterError):
    """The API server knows who we are, and refuses."""


class NotFound(ClusterError):
    """No such object, or no such kind of object."""


class KustomizationIncomplete(ClusterError):
    """Something is not in it that makes agents."""


class NotReady(ClusterError):
    """Something was made, and did not come up in time."""


class PodError(TargetError):
    """A pod cannot be asked."""


class NoPods(PodError):
    """Nothing matches."""


class NotRunning(PodError):
    """The container does not run at this moment."""


class NoSuchContainer(PodError):
    """The pod has no container of that name."""


class NoSuchProcessThere(PodError):
    """The container has no process of that name or number."""


class NoAgentThere(PodError):
    """No agent on the pod's node that answers."""


class ConnectionLost(SamplerError):
    """The way to a recorder broke off before it had told its end."""
