"""Makes a pod's volumes ready on this host and says what each container mounts.

What is supported has a method here; anything else is refused by the name of its field. Files are
under `<pods>/<uid>/volumes/<name>`; claims are Docker volumes or host paths.
"""

import asyncio
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from minikube_py.container_runtime.interface import ContainerRuntime, Mount, RuntimeFailure
from minikube_py.kubelet.expansion import expand
from minikube_py.kubelet.host_files import FileProblem, HostFiles
from minikube_py.kubelet.podspec import Member, members
from minikube_py.kubelet.projections import ProjectionProblem, Projector
from minikube_py.meta.objects import Object, get_path, name_of, namespace_of, uid_of
from minikube_py.meta.quantity import parse_quantity, to_bytes
from minikube_py.meta.timestamps import Clock

DOCKER_VOLUME_ANNOTATION = "mk.dev/docker-volume"
"""On a PersistentVolume: the engine's volume behind it."""

PROJECTED = ("configMap", "secret", "downwardAPI", "projected")

_PROPAGATION: Mapping[str, Literal["rprivate", "rslave", "rshared"]] = {
    "None": "rprivate",
    "HostToContainer": "rslave",
    "Bidirectional": "rshared",
}
_HOST_PATH_CHECKS = {
    "Directory": (stat.S_ISDIR, "directory"),
    "File": (stat.S_ISREG, "file"),
    "Socket": (stat.S_ISSOCK, "socket"),
    "CharDevice": (stat.S_ISCHR, "character device"),
    "BlockDevice": (stat.S_ISBLK, "block device"),
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


class Volumes:
    """`on_paper`: paths of the host are neither looked at nor made."""

    def __init__(
        self,
        pods_dir: Path,
        files: HostFiles,
        runtime: ContainerRuntime,
        claims: ClaimReader,
        clock: Clock,
        *,
        on_paper: bool = False,
    ) -> None:
        self._pods_dir = pods_dir
        self._files = files
        self._runtime = runtime
        self._claims = claims
        self._clock = clock
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

    def mounts(
        self,
        pod: Object,
        member: Member,
        ready: Mapping[str, ReadyVolume],
        variables: Mapping[str, str],
    ) -> tuple[Mount, ...]:
        """What one container mounts; sub paths are made and may not leave their volume."""
        found = []
        for mount in member.container.get("volumeMounts") or []:
            volume = ready.get(mount["name"])
            if volume is None:
                raise VolumeProblem(mount["name"], f'volume "{mount["name"]}" is not ready')
            found.append(self._mount(mount, volume, variables))
        return tuple(found)

    async def tear_down(self, pod_uid: str) -> None:
        """Removes the pod's volumes' files; volumes of the engine stay."""
        await self._files.remove(self._pods_dir / pod_uid / "volumes")

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
            if source == "hostPath":
                return self._host_path(name, volume[source])
            if source == "persistentVolumeClaim":
                claim = volume[source]
                read_only = bool(claim.get("readOnly"))
                return await self._claim(pod, name, claim["claimName"], read_only)
            if source == "ephemeral":
                return await self._claim(pod, name, f"{name_of(pod)}-{name}", read_only=False)
        except (FileProblem, RuntimeFailure) as error:
            raise VolumeProblem(name, _failed(name, str(error))) from error
        raise VolumeProblem(
            name, f'volume "{name}": source {source} is not supported', unsupported=True
        )

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
            raise VolumeProblem(name, _failed(name, str(error))) from error

    async def _empty_dir(self, pod: Object, name: str, spec: Mapping[str, Any]) -> ReadyVolume:
        path, group = self._path(pod, name), _fs_group(pod)
        medium = spec.get("medium") or ""
        if medium == "Memory":
            size = to_bytes(parse_quantity(spec.get("sizeLimit") or "0"))
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

    def _host_path(self, name: str, spec: Mapping[str, Any]) -> ReadyVolume:
        path, type_ = Path(spec["path"]), spec.get("type") or ""
        if self._on_paper:
            return ReadyVolume(str(path))
        if type_ in ("", "DirectoryOrCreate") and not path.exists():
            self._files.make_directory(path, mode=0o755)
        elif type_ == "FileOrCreate" and not path.exists():
            self._files.write(path, b"", 0o644)
        else:
            _check_host_path(name, path, type_)
        return ReadyVolume(str(path))

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
        group = _fs_group(pod)
        docker_volume = get_path(persistent, "metadata", "annotations", DOCKER_VOLUME_ANNOTATION)
        if docker_volume:
            path = await self._runtime.create_volume(docker_volume, {})
            if group is not None and not self._on_paper:
                await self._files.own(Path(path), group)
            return ReadyVolume(path, volume_name=docker_volume, read_only=read_only)
        spec = persistent["spec"]
        if "hostPath" in spec:
            found = self._host_path(volume_name, spec["hostPath"])
        elif "local" in spec:
            found = self._host_path(volume_name, {**spec["local"], "type": "Directory"})
        else:
            message = f'persistentvolume "{name_of(persistent)}": source {_source(spec)}'
            raise VolumeProblem(volume_name, f"{message} is not supported", unsupported=True)
        return ReadyVolume(found.path, read_only=read_only)

    def _path(self, pod: Object, volume_name: str) -> Path:
        return self._pods_dir / uid_of(pod) / "volumes" / volume_name

    # -- one mount -----------------------------------------------------------------------------

    def _mount(
        self, mount: Mapping[str, Any], volume: ReadyVolume, variables: Mapping[str, str]
    ) -> Mount:
        sub_path = mount.get("subPath") or expand(mount.get("subPathExpr") or "", variables)
        read_only = bool(mount.get("readOnly")) or volume.read_only
        propagation = _PROPAGATION[mount.get("mountPropagation") or "None"]
        target = mount["mountPath"]
        target = target if target.startswith("/") else f"/{target}"
        if sub_path:
            source = self._sub_path(mount["name"], volume, sub_path)
            return Mount(source, target, read_only=read_only, propagation=propagation)
        if volume.volume_name:
            return Mount(volume.volume_name, target, read_only=read_only, is_volume=True)
        return Mount(volume.path, target, read_only=read_only, propagation=propagation)

    def _sub_path(self, name: str, volume: ReadyVolume, sub_path: str) -> str:
        """A container may have put symlinks into its volume: they are followed only inside it."""
        base = Path(os.path.realpath(volume.path))
        found = Path(os.path.realpath(base / sub_path))
        if sub_path.startswith("/") or ".." in sub_path.split("/") or not _is_inside(found, base):
            raise VolumeProblem(name, f'subPath "{sub_path}" leaves volume "{name}"')
        if not found.exists():
            if volume.read_only:
                raise VolumeProblem(name, f'subPath "{sub_path}" is not in volume "{name}"')
            self._files.make_directory(found, mode=0o777)
        return str(found)


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


def _check_host_path(name: str, path: Path, type_: str) -> None:
    wanted = type_.removesuffix("OrCreate")
    if not wanted:
        return
    check, words = _HOST_PATH_CHECKS[wanted]
    if not path.exists() or not check(path.stat().st_mode):
        message = f"hostPath type check failed: {path} is not a {words}"
        raise VolumeProblem(name, _failed(name, message))


def _failed(name: str, message: str) -> str:
    return f'MountVolume.SetUp failed for volume "{name}" : {message}'


def _is_inside(path: Path, base: Path) -> bool:
    return path == base or base in path.parents
