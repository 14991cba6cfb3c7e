"""Removes all that a cluster left on the host: containers, volumes, network, devices, rules,
nftables table, mounts of Pods.

Works on whatever is left of it, also when its data directory is gone; what is already away is fine.
"""

from collections.abc import Sequence

from minikube_py.container_runtime.interface import RuntimeFailure
from minikube_py.daemon.assembly import open_runtime
from minikube_py.daemon.choices import StartFailure
from minikube_py.daemon.mounts import unmount_below
from minikube_py.daemon.settings import Settings
from minikube_py.kubelet.pod_groups import remove_groups
from minikube_py.network.cleanup import remove_all
from minikube_py.network.host import Host


async def purge(settings: Settings) -> None:
    """Raises StartFailure with advice when something could not be removed."""
    if settings.simulated:
        return
    runtime = open_runtime(settings)
    host = Host()
    try:
        await runtime.remove_everything(volumes=True)
        _require_none(await unmount_below(settings.pods_dir))
        _require_no_groups(await remove_groups(settings.cluster.name, runtime))
        await remove_all(host, settings.cluster)
    except RuntimeFailure as error:
        raise StartFailure(f"could not remove everything: {error}") from error
    finally:
        await runtime.close()
        await host.close()


def _require_no_groups(problems: Sequence[str]) -> None:
    if problems:
        raise StartFailure(f"could not remove everything: {'; '.join(problems)}; try again")


def _require_none(mounted: Sequence[str]) -> None:
    if mounted:
        targets = " ".join(mounted)
        raise StartFailure(f"could not unmount everything: run 'umount --lazy {targets}' as root")
