from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.apiserver.serving import Certificates, Cluster, serve


@pytest.fixture(scope="session")
def certificates() -> Certificates:
    return Certificates.new()


@pytest.fixture
async def cluster(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Cluster]:
    async with serve(tmp_path, certificates) as serving:
        yield serving


@pytest.fixture
async def secured(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Cluster]:
    """A cluster where roles decide and tokens are known."""
    async with serve(tmp_path, certificates, secured=True) as serving:
        yield serving
