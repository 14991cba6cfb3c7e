"""What the daemon runs: every long-lived part is one of these."""

from typing import Protocol


class Component(Protocol):
    """Ends only by cancellation."""

    async def run(self) -> None: ...
