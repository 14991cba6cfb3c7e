from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.control_loop.harness import ControlPlane, control_plane


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[ControlPlane]:
    async with control_plane(tmp_path) as made:
        yield made
