"""Images of the engine: looked at, pulled, and the sandbox's own made. Never removed: they are the
user's.
"""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from functools import partial

from minikube_py.container_runtime import labels, observe, sandbox_image, translate
from minikube_py.container_runtime.engine_calls import Call, EngineCalls
from minikube_py.container_runtime.engine_socket import EngineRefused, EngineSocket
from minikube_py.container_runtime.interface import (
    ImageInfo,
    ImageNotFound,
    NoSuchContainer,
    RuntimeFailure,
)
from minikube_py.container_runtime.sandbox_image import SandboxImage

_MISSING = ("not found", "does not exist", "manifest unknown", "no such image")


class ImageStore:
    def __init__(self, call: Call, socket: EngineSocket, cluster: str) -> None:
        self._call = call
        self._socket = socket
        self._cluster = cluster
        self._sandbox: SandboxImage | None = None
        self._making = asyncio.Lock()
        self._exporting = asyncio.Lock()

    async def image(self, reference: str) -> ImageInfo | None:
        try:
            return observe.image_from(await self._call(lambda api: api.inspect_image(reference)))
        except ImageNotFound:
            return None

    async def images(self) -> list[ImageInfo]:
        return [observe.image_from(entry) for entry in await self._call(lambda api: api.images())]

    async def pull(self, reference: str, auth: Mapping[str, str] | None) -> None:
        headers = {}
        if auth:
            encoded = base64.urlsafe_b64encode(translate.registry_auth(auth).encode())
            headers["X-Registry-Auth"] = encoded.decode()
        name, tag = split_reference(reference)
        query = {"fromImage": name, "tag": tag}
        try:
            error = await self._pull(query, headers)
        except EngineRefused as refused:
            error = str(refused)
        if any(word in error.lower() for word in _MISSING):
            raise ImageNotFound(error)
        if error:
            raise RuntimeFailure(error)

    async def _pull(self, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
        """What went wrong, "" when nothing did: the engine reports it inside a good answer."""
        path = "/images/create"
        async with self._socket.request("POST", path, query=query, headers=headers) as stream:
            async for line in stream.lines():
                if error := json.loads(line).get("error"):
                    return str(error)
        return ""

    async def files(self, image_id: str) -> AsyncGenerator[bytes, None]:
        """Only a container's files can be had whole: one is made for it, never started. What a
        daemon that was killed left of that kind goes with the next.
        """
        own = {labels.CLUSTER: self._cluster, labels.IMAGE_FILES: "true"}
        config = {"Image": image_id, "Entrypoint": ["none"], "Labels": own}
        config["HostConfig"] = {"NetworkMode": "none"}
        async with self._exporting:
            await self._remove_exported()
            made = await self._call(
                lambda api: api.create_container_from_config(config, f"mk-files-{self._cluster}")
            )
            path = f"/containers/{made['Id']}/export"
            try:
                async with self._socket.request("GET", path) as stream:
                    while part := await stream.read():
                        yield part
            finally:
                await self._remove_exported()

    async def _remove_exported(self) -> None:
        own = [f"{labels.CLUSTER}={self._cluster}", f"{labels.IMAGE_FILES}=true"]
        found = await self._call(lambda api: api.containers(all=True, filters={"label": own}))
        for entry in found:
            with suppress(NoSuchContainer):
                await self._call(partial(_remove, entry["Id"]))

    async def ensure_sandbox_image(self, *, again: bool = False) -> SandboxImage:
        """`again`: it has vanished."""
        async with self._making:
            if self._sandbox is None or again:
                info = await self._call(lambda api: api.info())
                sandbox = sandbox_image.sandbox_image(info)
                if await self.image(sandbox.tag) is None:
                    await self._make_sandbox_image(info["Architecture"], sandbox.tag)
                self._sandbox = sandbox
        return self._sandbox

    async def _make_sandbox_image(self, machine: str, tag: str) -> None:
        name, version = tag.rsplit(":", 1)
        tar = sandbox_image.image_tar(machine)
        await self._call(lambda api: api.import_image_from_data(tar, repository=name, tag=version))


def _remove(container: str, api: EngineCalls) -> None:
    api.remove_container(container, v=True, force=True)


def split_reference(reference: str) -> tuple[str, str]:
    """Name and tag (or digest); without a tag the engine would pull all there are."""
    name, at, digest = reference.partition("@")
    if at:
        return name, digest
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")
