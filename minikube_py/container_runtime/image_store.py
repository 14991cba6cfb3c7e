"""Images of the engine: looked at, pulled, and the sandbox's own made. Never removed: they are the
user's.
"""

import asyncio
import base64
import json
from collections.abc import Mapping

from minikube_py.container_runtime import observe, sandbox_image, translate
from minikube_py.container_runtime.engine_calls import Call
from minikube_py.container_runtime.engine_socket import EngineRefused, EngineSocket
from minikube_py.container_runtime.interface import ImageInfo, ImageNotFound, RuntimeFailure

_MISSING = ("not found", "does not exist", "manifest unknown", "no such image")


class ImageStore:
    def __init__(self, call: Call, socket: EngineSocket) -> None:
        self._call = call
        self._socket = socket
        self._sandbox = ""
        self._making = asyncio.Lock()

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

    async def ensure_sandbox_image(self, *, again: bool = False) -> str:
        """Its tag. `again`: it has vanished."""
        async with self._making:
            if not self._sandbox or again:
                machine = (await self._call(lambda api: api.info()))["Architecture"]
                tag = sandbox_image.image_tag(machine)
                if await self.image(tag) is None:
                    await self._make_sandbox_image(machine, tag)
                self._sandbox = tag
        return self._sandbox

    async def _make_sandbox_image(self, machine: str, tag: str) -> None:
        name, version = tag.rsplit(":", 1)
        tar = sandbox_image.image_tar(machine)
        await self._call(lambda api: api.import_image_from_data(tar, repository=name, tag=version))


def split_reference(reference: str) -> tuple[str, str]:
    """Name and tag (or digest); without a tag the engine would pull all there are."""
    name, at, digest = reference.partition("@")
    if at:
        return name, digest
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")
