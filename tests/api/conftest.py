"""The same server as tests/apiserver's, asked by real clients."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.serving import Certificates, Cluster, serve


@dataclass
class Kubectl:
    """Runs kubectl against the cluster; `run` gives (exit code, stdout, stderr)."""

    cluster: Cluster
    program: str = "kubectl"
    environment: dict[str, str] = field(default_factory=dict)

    async def start(
        self, *arguments: str, who: str = "admin", stdin: int | None = None
    ) -> asyncio.subprocess.Process:
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.cluster.kubeconfig(who)),
            "HOME": str(self.cluster.folder),
            **self.environment,
        }
        return await asyncio.create_subprocess_exec(
            self.program,
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.PIPE if stdin is None else stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(
        self, *arguments: str, stdin: str = "", who: str = "admin"
    ) -> tuple[int, str, str]:
        process = await self.start(*arguments, who=who)
        try:
            async with asyncio.timeout(30):
                out, err = await process.communicate(stdin.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def __call__(self, *arguments: str, stdin: str = "", who: str = "admin") -> str:
        """stdout of a command that must succeed."""
        code, out, err = await self.run(*arguments, stdin=stdin, who=who)
        assert code == 0, f"kubectl {' '.join(arguments)}: {out}\n{err}"
        return out

    async def apply(self, *objects: dict[str, Any], options: tuple[str, ...] = ()) -> str:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        return await self("apply", *options, "-f", "-", stdin=json.dumps(listed))


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    return Certificates.new()


@pytest.fixture
async def cluster(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Cluster]:
    async with serve(tmp_path, certificates) as serving:
        yield serving


@pytest.fixture
def kubectl(cluster: Cluster) -> Kubectl:
    return Kubectl(cluster)
