"""A registry of images on loopback, where the engine allows plain HTTP: one image, made of what
`docker save` gives, perhaps behind a password.
"""

import base64
import gzip
import hashlib
import json
import subprocess
import tarfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from aiohttp import web

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class Registry:
    """`pulls` counts how often a tag or digest was asked for by who may."""

    user: str = ""
    password: str = ""
    port: int = 0
    manifest: bytes = b""
    blobs: dict[str, bytes] = field(default_factory=dict)
    pulls: Counter[str] = field(default_factory=Counter)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def image(self) -> str:
        return f"{self.host}/busybox"

    @property
    def digest(self) -> str:
        return _digest(self.manifest)

    def pull_secret(self, *, path: str = "", password: str = "") -> dict[str, Any]:
        """The Secret's fields beside its metadata. `password`: another than the right one."""
        auth = {"username": self.user, "password": password or self.password}
        config = json.dumps({"auths": {f"{self.host}{path}": auth}}).encode()
        return {
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": base64.b64encode(config).decode()},
        }

    def load(self, image: str) -> None:
        saved = subprocess.run(["docker", "save", image], capture_output=True, check=True).stdout
        with tarfile.open(fileobj=BytesIO(saved)) as tar:

            def read(name: str) -> bytes:
                found = tar.extractfile(name)
                assert found is not None
                return found.read()

            described = json.loads(read("manifest.json"))[0]
            # Not the image that is on the host already: the layers are, and stay.
            config = json.loads(read(described["Config"])) | {"author": self.host}
            layers = [gzip.compress(read(name), 1, mtime=0) for name in described["Layers"]]
        body = json.dumps(config).encode()
        self.blobs = {_digest(blob): blob for blob in (body, *layers)}
        kind = "application/vnd.docker.image.rootfs.diff.tar.gzip"
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(body),
                "digest": _digest(body),
            },
            "layers": [
                {"mediaType": kind, "size": len(layer), "digest": _digest(layer)}
                for layer in layers
            ],
        }
        self.manifest = json.dumps(manifest).encode()

    async def answer(self, request: web.Request) -> web.Response:
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if self.user and request.headers.get("Authorization") != f"Basic {pair}":
            challenge = {"WWW-Authenticate": 'Basic realm="test"'}
            body = {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}
            return web.json_response(body, status=401, headers=challenge)
        parts = request.path.strip("/").split("/")
        if len(parts) == 1:
            return web.json_response({})
        if parts[-2] == "manifests" and parts[-1] in ("1", "latest", self.digest):
            self.pulls[parts[-1]] += 1
            headers = {"Docker-Content-Digest": self.digest, "Content-Type": _MANIFEST}
            return web.Response(body=self.manifest, headers=headers)
        if parts[-2] == "blobs" and parts[-1] in self.blobs:
            return web.Response(body=self.blobs[parts[-1]])
        body = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
        return web.json_response(body, status=404)


@asynccontextmanager
async def serving(registry: Registry, image: str) -> AsyncIterator[Registry]:
    """Its copies on the host are removed at the end."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", registry.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    registry.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    registry.load(image)
    try:
        yield registry
    finally:
        await runner.cleanup()
        _remove_copies(registry.image)


def _remove_copies(image: str) -> None:
    listed = ["docker", "images", "-q", "--no-trunc", image]
    found = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    if found:
        subprocess.run(["docker", "rmi", "-f", *set(found)], capture_output=True, check=False)
