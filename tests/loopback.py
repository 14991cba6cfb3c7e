"""Loopback addresses of this test process's own: others test on this host at the same time, each
with the same ports.
"""

import secrets

_NETWORK = f"127.{100 + secrets.randbelow(100)}.{secrets.randbelow(256)}"


def own_address(number: int) -> str:
    """Up to 254; the same number is the same address."""
    return f"{_NETWORK}.{number}"
