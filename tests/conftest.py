"""What holds for all tests."""

import asyncio


def pytest_configure() -> None:
    # Without this, asking for the current loop in a test that has none makes one nobody closes.
    asyncio.set_event_loop(None)
