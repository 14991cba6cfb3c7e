"""Image volumes (KEP-4639): the files of an image as a read-only folder.

The engine hands out an image's files once; they are kept unpacked under the image's id, for all
pods that show it. Which pods do is said by one empty file each, so that a daemon that was killed
anywhere knows what may go. An image's own id names its content: nothing is ever unpacked over.
"""

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from minikube_py.container_runtime.interface import ContainerRuntime, RuntimeFailure
from minikube_py.kubelet.host_files import FileProblem, HostFiles
from minikube_py.kubelet.images import Images, NeedsPull, Present, PullFailed, pull_scope
from minikube_py.meta.objects import Object, uid_of

_UNPACK_SECONDS = 100
_ROOT, _FRESH, _USERS = "rootfs", "unpacking", "users"
# What the engine adds to every container's files.
_STUB_FILES = (
    ".dockerenv",
    "dev/console",
    "etc/hostname",
    "etc/hosts",
    "etc/mtab",
    "etc/resolv.conf",
)
_STUB_FOLDERS = ("dev/pts", "dev/shm", "dev", "proc", "sys", "etc")


class ImageVolumes:
    """`folder` is this module's own."""

    def __init__(
        self, folder: Path, runtime: ContainerRuntime, images: Images, files: HostFiles
    ) -> None:
        self._folder = folder
        self._runtime = runtime
        self._images = images
        self._files = files
        self._unpacking = asyncio.Lock()

    async def set_up(
        self, pod: Object, spec: Mapping[str, Any], pull_secrets: list[Object]
    ) -> Path:
        """The folder; the image is pulled as a container's is. Raises FileProblem and
        RuntimeFailure.
        """
        identifier = await self._image_id(pod, spec, pull_secrets)
        kept = self._folder / identifier.partition(":")[2]
        async with self._unpacking:
            self._files.write(kept / _USERS / uid_of(pod), b"")
            if not (kept / _ROOT).is_dir():
                await self._unpack(identifier, kept)
        return kept / _ROOT

    async def release(self, pod_uid: str) -> None:
        """The pod shows none any more; what no pod shows goes."""
        if not self._folder.is_dir():
            return
        async with self._unpacking:
            for kept in list(self._folder.iterdir()):
                user = kept / _USERS / pod_uid
                if user.exists():
                    user.unlink()
                    if not any((kept / _USERS).iterdir()):
                        await self._files.remove(kept)

    async def _image_id(
        self, pod: Object, spec: Mapping[str, Any], pull_secrets: list[Object]
    ) -> str:
        reference = str(spec.get("reference") or "")
        asked = {"image": reference, "imagePullPolicy": spec.get("pullPolicy")}
        scope = pull_scope(pod)

        def secrets() -> list[Object]:
            return pull_secrets

        verdict = await self._images.look(asked, scope=scope, secrets=secrets)
        if isinstance(verdict, NeedsPull):
            try:
                await self._images.pull(reference, pull_secrets, scope)
            except PullFailed as error:
                if verdict.fallback is None:
                    raise FileProblem(f'failed to pull image "{reference}": {error}') from error
                return verdict.fallback.id
            verdict = await self._images.look(asked, pulled=True, scope=scope, secrets=secrets)
        if isinstance(verdict, Present):
            return verdict.image.id
        waiting = None if isinstance(verdict, NeedsPull) else verdict.waiting
        raise FileProblem(waiting.message if waiting else f'image "{reference}" vanished')

    async def _unpack(self, identifier: str, kept: Path) -> None:
        fresh = kept / _FRESH
        await self._files.remove(fresh)
        self._files.make_directory(fresh, mode=0o755)
        async with asyncio.timeout(_UNPACK_SECONDS):
            await self._untar(identifier, fresh)
        _remove_stubs(fresh)
        fresh.rename(kept / _ROOT)

    async def _untar(self, identifier: str, target: Path) -> None:
        if shutil.which("tar") is None:
            raise FileProblem("image volumes need the program tar on this host: install it")
        tar = await asyncio.create_subprocess_exec(
            "tar", "-x", "-p", "--numeric-owner", "--delay-directory-restore", "-C", str(target),
            stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert tar.stdin is not None
            assert tar.stderr is not None
            async with aclosing(self._runtime.image_files(identifier)) as parts:
                with suppress(ConnectionError):  # it tells why on the other side
                    async for part in parts:
                        tar.stdin.write(part)
                        await tar.stdin.drain()
            tar.stdin.close()
            said = (await tar.stderr.read()).decode(errors="replace").strip()
            if await tar.wait() != 0:
                raise RuntimeFailure(f"cannot unpack the image: {said}")
        finally:
            if tar.returncode is None:
                tar.kill()
                await tar.wait()


def _remove_stubs(root: Path) -> None:
    for name in _STUB_FILES:
        stub = root / name
        if stub.is_symlink() or (stub.is_file() and stub.stat().st_size == 0):
            stub.unlink()
    for name in _STUB_FOLDERS:
        with suppress(OSError):  # not empty: the image's own
            (root / name).rmdir()
