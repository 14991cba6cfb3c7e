"""The control group around the containers of a pod that has resources of its own (KEP-2837): what
they may use together. Other pods have none and pay nothing.

It is made beside the groups that the engine makes, before the pod's first container, and is the
kernel's to remember: after a crash it is found by its name. An engine that leaves its groups to
systemd has a slice instead, which only systemd may limit.
"""

import asyncio
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from minikube_py.container_runtime.cgroups import CGROUP_ROOT, groups_of
from minikube_py.container_runtime.interface import ContainerRuntime, Resources, RuntimeInfo
from minikube_py.kubelet.group_limits import (
    group_files,
    group_name,
    is_named,
    slice_name,
    slice_properties,
)
from minikube_py.kubelet.host_files import FileProblem, HostFiles, run_program

_REMOVAL_SECONDS = 3.0
_RETRY_SECONDS = 0.05
_SYSTEMCTL_SECONDS = 10
_DEEPEST = 6
_GONE = (errno.ENOENT, errno.ENODEV)


class PodGroups:
    """`cluster` is its name. All but the pure parts runs in a thread of `files`."""

    def __init__(
        self, cluster: str, info: RuntimeInfo, files: HostFiles, root: Path = CGROUP_ROOT
    ) -> None:
        self._cluster = cluster
        self._driver = info.cgroup_driver
        self._version = info.cgroup_version
        self._files = files
        self._root = root

    async def ensure(self, pod_uid: str, limits: Resources, sandbox_pid: int) -> str:
        """Makes the group, or gives it these limits; what the engine is told as the parent of the
        pod's containers. Raises FileProblem.
        """
        return await self._files.run(lambda: self._ensure(pod_uid, limits, sandbox_pid))

    async def remove(self, pod_uid: str) -> None:
        """A missing one is success. Raises FileProblem while something runs in it."""
        await self._remove_all(group_name(self._cluster, pod_uid))

    async def remove_all(self) -> list[str]:
        """Those of the cluster; gives the names of what could not be removed."""
        try:
            await self._remove_all(group_name(self._cluster, ""))
        except FileProblem as problem:
            return [str(problem)]
        return []

    # -- making --------------------------------------------------------------------------------

    def _ensure(self, pod_uid: str, limits: Resources, sandbox_pid: int) -> str:
        name = group_name(self._cluster, pod_uid)
        if self._driver == "systemd":
            own = slice_name(self._neighbour(sandbox_pid).parent.name, name)
            properties = slice_properties(limits)
            _systemctl("set-property", "--runtime", own, *properties)
            return own
        if self._driver != "cgroupfs":
            raise FileProblem(f"the engine's cgroup driver is {self._driver!r}")
        path = self._neighbour(sandbox_pid).with_name(name)
        for controller, file, value in group_files(limits, self._version):
            folder = self._folder(controller, path)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(value)
        return str(path)

    def _neighbour(self, sandbox_pid: int) -> Path:
        """The group that the engine has made for the pod's sandbox."""
        groups = groups_of(sandbox_pid)
        return Path(groups["memory"] if self._version == 1 else groups[""])

    def _folder(self, controller: str, path: Path) -> Path:
        own = self._root / controller if self._version == 1 else self._root
        return own / str(path).lstrip("/")

    # -- removing ------------------------------------------------------------------------------

    async def _remove_all(self, prefix: str) -> None:
        """What the engine has ended just now may take a moment to leave."""
        deadline = asyncio.get_running_loop().time() + _REMOVAL_SECONDS
        while True:
            try:
                return await self._files.run(lambda: self._remove_now(prefix))
            except FileProblem:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(_RETRY_SECONDS)

    def _remove_now(self, prefix: str) -> None:
        if self._driver == "systemd":
            for found in self._find(slice_name("", prefix).removesuffix(".slice")):
                _systemctl("stop", found.name)
                _systemctl("revert", found.name)
            return
        for found in self._find(prefix):
            path = found.relative_to(self._searched())
            # The one that is searched goes last: it tells of the others.
            for folder in [*self._others(), self._searched()]:
                _remove_group(folder / path)

    def _searched(self) -> Path:
        return self._root / "memory" if self._version == 1 else self._root

    def _others(self) -> list[Path]:
        if self._version != 1:
            return []
        with os.scandir(self._root) as entries:
            found = [Path(one.path) for one in entries if one.is_dir(follow_symlinks=False)]
        return [one for one in found if one.name != "memory"]

    def _find(self, marker: str) -> list[Path]:
        groups = _groups_below(self._searched(), _DEEPEST)
        return [group for group in groups if is_named(group.name, marker)]


async def remove_groups(cluster: str, runtime: ContainerRuntime) -> list[str]:
    """All that are left of the cluster, whose containers are gone; gives what could not be."""
    files = HostFiles()
    try:
        return await PodGroups(cluster, await runtime.info(), files).remove_all()
    finally:
        files.close()


def _groups_below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            found = [Path(one.path) for one in entries if one.is_dir(follow_symlinks=False)]
    except OSError as error:
        if error.errno not in _GONE:
            raise
        return
    for group in found:
        yield group
        if depth > 1:
            yield from _groups_below(group, depth - 1)


def _remove_group(folder: Path) -> None:
    """With what containers left in it; the kernel refuses while anything runs there."""
    for group in [*_groups_below(folder, 1), folder]:
        try:
            group.rmdir()
        except OSError as error:
            if error.errno in _GONE:
                continue
            if error.errno == errno.EBUSY:
                raise FileProblem(f"{group}: something still runs in it") from error
            raise


def _systemctl(*words: str) -> None:
    run_program(["systemctl", *words], _SYSTEMCTL_SECONDS)
