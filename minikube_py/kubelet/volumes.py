"""Makes a pod's volumes ready on this host and says what each container mounts.

What is supported has a method here; anything else is refused by the name of its field. Files are
under `<pods>/<uid>/volumes/<name>`, parts of volumes under `<pods>/<uid>/volume-parts`; claims are
Docker volumes, host paths or nfs.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from minikube_py.container_runtime.interface import ContainerRuntime, Mount, RuntimeFailure
from minikube_py.kubelet.empty_dirs import memory_size
from minikube_py.kubelet.expansion import expand, unknown_names
from minikube_py.kubelet.host_files import FileProblem, HostFiles, HostLacks
from minikube_py.kubelet.host_paths import prepare_host_path
from minikube_py.kubelet.podspec import Member, members
from minikube_py.kubelet.projections import ProjectionProblem, Projector
from minikube_py.kubelet.sub_paths import MissingSubPath, OutsideVolume
from minikube_py.meta.objects import Object, get_path, name_of, namespace_of, uid_of
from minikube_py.meta.timestamps import Clock

DOCKER_VOLUME_ANNOTATION = "mk.dev/docker-volume"
"""On a PersistentVolume: the engine's volume behind it."""

PROJECTED = ("configMap", "secret", "downwardAPI", "projected")

_PROPAGATION: Mapping[str, Literal["rprivate", "rslave", "rshared"]] = {
    "None": "rprivate",
    "HostToContainer": "rslave",
    "Bidirectional": "rshared",
}


class VolumeProblem(Exception):
    """One volume can't be set up now; the message is an Event's. `unsupported`: nor ever."""

    def __init__(self, volume: str, message: str, *, unsupported: bool = False) -> None:
        super().__init__(message)
        self.volume = volume
        self.unsupported = unsupported


@dataclass(frozen=True)
class ReadyVolume:
    """`path` on the host; `volume_name` when it is a volume of the engine."""

    path: str
    volume_name: str = ""
    read_only: bool = False


class ClaimReader(Protocol):
    def claim(self, namespace: str, name: str) -> Object | None: ...

    def volume(self, name: str) -> Object | None: ...

    def pull_secrets(self, pod: Object) -> list[Object]: ...


class ImageFolders(Protocol):
    """The files of images (`image_volumes`)."""

    async def set_up(
        self, pod: Object, spec: Mapping[str, Any], pull_secrets: list[Object]
    ) -> Path: ...

    async def release(self, pod_uid: str) -> None: ...


class Volumes:
    """`images` None: image volumes can't be had. `on_paper`: paths of the host are neither looked
    at nor made.
    """

    def __init__(  # noqa: PLR0913 - the agent hands over what volumes are made of
        self,
        pods_dir: Path,
        files: HostFiles,
        runtime: ContainerRuntime,
        claims: ClaimReader,
        clock: Clock,
        *,
        images: ImageFolders | None = None,
        on_paper: bool = False,
    ) -> None:
        self._pods_dir = pods_dir
        self._files = files
        self._runtime = runtime
        self._claims = claims
        self._clock = clock
        self._images = images
        self._on_paper = on_paper

    async def set_up(self, pod: Object, projector: Projector) -> Mapping[str, ReadyVolume]:
        """All volumes that a container mounts, by name; raises VolumeProblem for the first that
        can't be had. Doing it again brings projected files up to date.
        """
        wanted = [v for v in _volumes(pod) if v["name"] in _mounted_names(pod)]
        if not wanted:
            return {}
        results = await asyncio.gather(
            *(self._set_up(pod, volume, projector) for volume in wanted), return_exceptions=True
        )
        ready: dict[str, ReadyVolume] = {}
        for volume, result in zip(wanted, results, strict=True):
            if isinstance(result, BaseException):
                raise result
            ready[volume["name"]] = result
        return ready

    def refresh(self, pod: Object, projector: Projector) -> bool:
        """Brings ConfigMaps, Secrets and fields in mounted files up to date; True when any did."""
        changed = False
        for volume in _volumes(pod):
            source = _source(volume)
            if source in PROJECTED and volume["name"] in _mounted_names(pod):
                changed |= self._project(pod, volume, source, projector)
        return changed

    async def mounts(
        self,
        pod: Object,
        member: Member,
        ready: Mapping[str, ReadyVolume],
        variables: Mapping[str, str],
    ) -> tuple[Mount, ...]:
        """What one container mounts; sub paths are made and may not leave their volume."""
        found = []
        for number, mount in enumerate(member.container.get("volumeMounts") or []):
            volume = ready.get(mount["name"])
            if volume is None:
                raise VolumeProblem(mount["name"], f'volume "{mount["name"]}" is not ready')
            part = self._pods_dir / uid_of(pod) / "volume-parts" / member.name / str(number)
            try:
                found.append(await self._mount(mount, volume, variables, part))
            except HostLacks as error:
                raise VolumeProblem(mount["name"], str(error), unsupported=True) from error
        return tuple(found)

    async def tear_down(self, pod_uid: str) -> None:
        """Removes the pod's volumes' files; volumes of the engine stay."""
        for folder in ("volume-parts", "volumes"):
            await self._files.remove(self._pods_dir / pod_uid / folder)
        if self._images is not None:
            await self._images.release(pod_uid)

    # -- one volume ----------------------------------------------------------------------------

    async def _set_up(
        self, pod: Object, volume: Mapping[str, Any], projector: Projector
    ) -> ReadyVolume:
        name, source = volume["name"], _source(volume)
        try:
            if source in PROJECTED:
                self._project(pod, volume, source, projector)
                return ReadyVolume(str(self._path(pod, name)), read_only=True)
            if source == "emptyDir":
                return await self._empty_dir(pod, name, volume[source] or {})
            found = await self._from_elsewhere(pod, name, source, volume.get(source) or {})
        except HostLacks as error:
            raise VolumeProblem(name, _failed(name, str(error)), unsupported=True) from error
        except (FileProblem, RuntimeFailure) as error:
            raise VolumeProblem(name, _failed(name, str(error))) from error
        if found is None:
            message = f'volume "{name}": source {source} is not supported'
            raise VolumeProblem(name, message, unsupported=True)
        return found

    async def _from_elsewhere(
        self, pod: Object, name: str, source: str, spec: Mapping[str, Any]
    ) -> ReadyVolume | None:
        """None: not supported."""
        if source == "hostPath":
            return self._host_path(spec)
        if source == "persistentVolumeClaim":
            return await self._claim(pod, name, spec["claimName"], bool(spec.get("readOnly")))
        if source == "ephemeral":
            return await self._claim(pod, name, f"{name_of(pod)}-{name}", read_only=False)
        if source == "nfs":
            return await self._nfs(pod, name, spec, ())
        if source == "image" and self._on_paper:
            return ReadyVolume(str(self._path(pod, name)), read_only=True)
        if source == "image" and self._images is not None:
            secrets = self._claims.pull_secrets(pod)
            return ReadyVolume(str(await self._images.set_up(pod, spec, secrets)), read_only=True)
        return None

    def _project(
        self, pod: Object, volume: Mapping[str, Any], source: str, projector: Projector
    ) -> bool:
        name = volume["name"]
        try:
            payload = projector.payload(pod, source, volume[source])
            return self._files.project(
                self._path(pod, name), payload, self._clock(), _fs_group(pod)
            )
        except ProjectionProblem as error:
            message = _failed(name, str(error))
            raise VolumeProblem(name, message, unsupported=error.unsupported) from error

    async def _empty_dir(self, pod: Object, name: str, spec: Mapping[str, Any]) -> ReadyVolume:
        path, group = self._path(pod, name), _fs_group(pod)
        medium = spec.get("medium") or ""
        if medium == "Memory":
            size = memory_size(pod, spec)
            await self._files.mount_memory(path, size_bytes=size, group=group)
        elif medium == "":
            self._files.make_directory(path, mode=0o777, group=group)
        else:
            raise VolumeProblem(
                name,
                f'volume "{name}": emptyDir.medium {medium} is not supported',
                unsupported=True,
            )
        return ReadyVolume(str(path))

    def _host_path(self, spec: Mapping[str, Any]) -> ReadyVolume:
        path = Path(spec["path"])
        if not self._on_paper:
            prepare_host_path(self._files, path, spec.get("type") or "")
        return ReadyVolume(str(path))

    async def _nfs(
        self, pod: Object, name: str, spec: Mapping[str, Any], options: Sequence[str]
    ) -> ReadyVolume:
        path, read_only = self._path(pod, name), bool(spec.get("readOnly"))
        if not self._on_paper:
            chosen = [*options, *(["ro"] if read_only else [])]
            await self._files.mount_nfs(path, f"{spec['server']}:{spec['path']}", chosen)
        return ReadyVolume(str(path), read_only=read_only)

    async def _claim(
        self, pod: Object, volume_name: str, claim_name: str, read_only: bool
    ) -> ReadyVolume:
        claim = self._claims.claim(namespace_of(pod), claim_name)
        if claim is None:
            raise VolumeProblem(volume_name, f'persistentvolumeclaim "{claim_name}" not found')
        bound = get_path(claim, "spec", "volumeName", default="")
        persistent = self._claims.volume(bound) if bound else None
        if persistent is None or get_path(claim, "status", "phase") != "Bound":
            message = f'persistentvolumeclaim "{claim_name}" is not bound to a volume yet'
            raise VolumeProblem(volume_name, message)
        return await self._persistent(pod, volume_name, persistent, read_only)

    async def _persistent(
        self, pod: Object, volume_name: str, persistent: Object, read_only: bool
    ) -> ReadyVolume:
        docker_volume = get_path(persistent, "metadata", "annotations", DOCKER_VOLUME_ANNOTATION)
        if docker_volume:
            path = await self._runtime.create_volume(docker_volume, {})
            await self._own(pod, path, read_only)
            return ReadyVolume(path, volume_name=docker_volume, read_only=read_only)
        spec = persistent["spec"]
        if "hostPath" in spec:
            found = self._host_path(spec["hostPath"])
        elif "local" in spec:
            found = self._host_path({**spec["local"], "type": "Directory"})
            await self._own(pod, found.path, read_only)
        elif "nfs" in spec:
            options = spec.get("mountOptions") or []
            found = await self._nfs(pod, volume_name, spec["nfs"], options)
        else:
            message = f'persistentvolume "{name_of(persistent)}": source {_source(spec)}'
            raise VolumeProblem(volume_name, f"{message} is not supported", unsupported=True)
        return ReadyVolume(found.path, read_only=read_only or found.read_only)

    async def _own(self, pod: Object, path: str, read_only: bool) -> None:
        """To the pod's group; every time it starts, unless it asks for less."""
        group = _fs_group(pod)
        if group is not None and not read_only and not self._on_paper:
            policy = get_path(pod, "spec", "securityContext", "fsGroupChangePolicy")
            await self._files.own(Path(path), group, always=policy != "OnRootMismatch")

    def _path(self, pod: Object, volume_name: str) -> Path:
        return self._pods_dir / uid_of(pod) / "volumes" / volume_name

    # -- one mount -----------------------------------------------------------------------------

    async def _mount(
        self,
        mount: Mapping[str, Any],
        volume: ReadyVolume,
        variables: Mapping[str, str],
        part: Path,
    ) -> Mount:
        sub_path = mount.get("subPath") or _expanded(mount, variables)
        read_only = bool(mount.get("readOnly")) or volume.read_only
        propagation = _PROPAGATION[mount.get("mountPropagation") or "None"]
        target = mount["mountPath"]
        target = target if target.startswith("/") else f"/{target}"
        if sub_path:
            source = await self._sub_path(mount["name"], volume, sub_path, part)
            return Mount(source, target, read_only=read_only, propagation=propagation)
        recursively = mount.get("recursiveReadOnly") or "Disabled"
        if recursively != "Disabled" and not self._on_paper:
            source = await self._read_only(volume, part, must=recursively == "Enabled")
            return Mount(source, target, read_only=True)
        if volume.volume_name:
            return Mount(volume.volume_name, target, read_only=read_only, is_volume=True)
        return Mount(volume.path, target, read_only=read_only, propagation=propagation)

    async def _read_only(self, volume: ReadyVolume, part: Path, *, must: bool) -> str:
        try:
            return str(await self._files.bind_read_only(Path(volume.path), part))
        except HostLacks:
            if must:
                raise
            return volume.path

    async def _sub_path(self, name: str, volume: ReadyVolume, sub_path: str, part: Path) -> str:
        """A container may have put symlinks into its volume: they are followed only inside it."""
        if self._on_paper:
            return str(Path(volume.path) / sub_path)
        try:
            found = await self._files.bind_sub_path(
                Path(volume.path), sub_path, part, create=not volume.read_only
            )
        except OutsideVolume as error:
            message = f'subPath "{sub_path}" leaves volume "{name}"'
            raise VolumeProblem(name, message) from error
        except MissingSubPath as error:
            message = f'subPath "{sub_path}" is not in volume "{name}"'
            raise VolumeProblem(name, message) from error
        return str(found)


def _expanded(mount: Mapping[str, Any], variables: Mapping[str, str]) -> str:
    text = mount.get("subPathExpr") or ""
    if missing := unknown_names(text, variables):
        message = f'missing value for "{missing[0]}" in subPathExpr of volume "{mount["name"]}"'
        raise VolumeProblem(mount["name"], message)
    return expand(text, variables)


def _volumes(pod: Object) -> list[dict[str, Any]]:
    return list(get_path(pod, "spec", "volumes", default=[]))


def _mounted_names(pod: Object) -> set[str]:
    return {
        mount["name"]
        for member in members(pod)
        for mount in member.container.get("volumeMounts") or []
    }


_NOT_SOURCES = (
    "name",
    "capacity",
    "accessModes",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
)


def _source(volume: Mapping[str, Any]) -> str:
    """The field that says where the volume comes from; emptyDir when there is none."""
    return next((key for key in volume if key not in _NOT_SOURCES), "emptyDir")


def _fs_group(pod: Object) -> int | None:
    group = get_path(pod, "spec", "securityContext", "fsGroup")
    return None if group is None else int(group)


def _failed(name: str, message: str) -> str:
    return f'MountVolume.SetUp failed for volume "{name}" : {message}'
