"""What a cluster has on the engine beside pods: its network, its volumes, and the end of it all.

Everything carries the cluster's label, and only what carries it is ever removed.
"""

import asyncio
from collections.abc import Callable, Mapping

from minikube_py.container_runtime import labels, translate
from minikube_py.container_runtime.engine_calls import Call, EngineCalls, Json
from minikube_py.container_runtime.engine_socket import EngineRefused
from minikube_py.container_runtime.interface import NoSuchContainer, RuntimeFailure

_NOT_FOUND = 404


class ClusterResources:
    def __init__(self, call: Call, cluster: str) -> None:
        self._call = call
        self._cluster = cluster
        self._own = {"label": [f"{labels.CLUSTER}={cluster}"]}

    async def ensure_network(self, name: str, wanted: Json) -> None:
        """`wanted` from translate.network_payload. Raises RuntimeFailure when there is another."""
        if (found := await self._network(name)) is None:
            try:
                await self._call(lambda api: api.create_network(name, **wanted))
            except EngineRefused as refused:
                raise RuntimeFailure(
                    f"cannot make network {name}: {refused}; choose other ranges or remove what "
                    "uses them (docker network ls)"
                ) from refused
            return
        if found.get("Labels", {}).get(labels.CLUSTER) != self._cluster:
            raise RuntimeFailure(f"network {name} exists and is not of cluster {self._cluster}")
        if difference := translate.network_difference(found, wanted):
            raise RuntimeFailure(
                f"network {name} is another than this cluster needs: {difference}; "
                f"remove it with `docker network rm {name}` when nothing uses it"
            )

    async def _network(self, name: str) -> Json | None:
        try:
            return await self._call(lambda api: api.inspect_network(name))
        except EngineRefused as refused:
            if refused.status == _NOT_FOUND:
                return None
            raise

    async def create_volume(self, name: str, own_labels: Mapping[str, str]) -> str:
        tagged = {**own_labels, labels.CLUSTER: self._cluster}
        made = await self._call(lambda api: api.create_volume(name, labels=tagged))
        return str(made["Mountpoint"])

    async def remove_volume(self, name: str) -> None:
        await self._ignoring_missing(lambda api: api.remove_volume(name))

    async def remove_everything(self, *, volumes: bool, keep_ended: bool) -> None:
        """Containers before the sandboxes whose namespaces they use."""
        own = self._own
        entries = await self._call(lambda api: api.containers(all=True, filters=own))
        kinds = {entry["Id"]: (entry.get("Labels") or {}).get(labels.TYPE) for entry in entries}
        sandboxes = [one for one, kind in kinds.items() if kind == labels.TYPE_SANDBOX]
        kept = {entry["Id"] for entry in entries if keep_ended and entry["State"] == "exited"}
        members = [one for one in kinds if one not in sandboxes]
        await self._remove_containers([one for one in members if one not in kept])
        await self._remove_containers(sandboxes)
        for network in await self._call(lambda api: api.networks(filters=own)):
            await self._remove_network(network["Id"])
        if volumes:
            found = await self._call(lambda api: api.volumes(filters=own))
            for volume in found.get("Volumes") or ():
                await self.remove_volume(volume["Name"])

    async def _remove_containers(self, containers: list[str]) -> None:
        await asyncio.gather(*(self._remove_container(one) for one in containers))

    async def _remove_container(self, container: str) -> None:
        try:
            await self._call(lambda api: api.remove_container(container, v=True, force=True))
        except NoSuchContainer:
            return
        except EngineRefused as refused:
            if "already in progress" not in str(refused):
                raise

    async def _remove_network(self, network: str) -> None:
        try:
            await self._ignoring_missing(lambda api: api.remove_network(network))
        except EngineRefused as refused:
            found = await self._call(lambda api: api.inspect_network(network))
            others = ", ".join(one["Name"] for one in found.get("Containers", {}).values())
            raise RuntimeFailure(
                f"network {found['Name']} is still used by {others or 'something'}: remove it first"
            ) from refused

    async def _ignoring_missing(self, work: Callable[[EngineCalls], None]) -> None:
        try:
            await self._call(work)
        except EngineRefused as refused:
            if refused.status != _NOT_FOUND:
                raise
