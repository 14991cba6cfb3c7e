"""Carries nft scripts to the kernel, and reads back the little that only the kernel knows.

Each script is one transaction: applied whole or not at all.
"""

import asyncio
import json
import logging
import shutil
from dataclasses import dataclass

from minikube_py.network.service_proxy.rules import Remembered

_log = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 20.0


class NftFailed(RuntimeError):
    """nft refused a script; the message is nft's own first line."""


@dataclass(frozen=True)
class Nft:
    """One table of this host; its family is `ip`."""

    table: str

    async def is_usable(self) -> bool:
        """Whether this host has nft and a kernel that takes a table from it."""
        if shutil.which("nft") is None:
            return False
        return await self._takes()

    async def can_match_sockets(self) -> bool:
        """Whether the kernel's nftables can see if a socket listens for a packet; if it can, it can
        all the rest.
        """
        if shutil.which("nft") is None:
            return False
        return await self._takes("meta l4proto tcp socket transparent 0 accept")

    async def _takes(self, rule: str = "") -> bool:
        probe = f"ip {self.table}-probe"
        lines = [
            f"add table {probe}",
            f"add chain {probe} c {{ type nat hook prerouting priority -105; }}",
            *([f"add rule {probe} c {rule}"] if rule else []),
            f"delete table {probe}",
        ]
        try:
            await self.apply("".join(f"{line}\n" for line in lines))
        except NftFailed as error:
            _log.warning("nftables can't do all that is wanted rule=%r error=%s", rule, error)
            return False
        return True

    async def apply(self, script: str) -> None:
        """Raises NftFailed; then nothing was changed."""
        await _run("-f", "-", stdin=script.encode())

    async def remembered_clients(self) -> list[Remembered]:
        """Clients with session affinity, to be carried over when the table is replaced."""
        try:
            listed = json.loads(await _run("-j", "list", "table", "ip", self.table))
        except NftFailed:
            return []
        found: list[Remembered] = []
        for entry in listed.get("nftables", []):
            name = entry.get("set", {}).get("name", "")
            if not name.startswith("clients/"):
                continue
            for wrapped in entry["set"].get("elem", []):
                element = wrapped.get("elem", {}) if isinstance(wrapped, dict) else {}
                if element.get("expires"):
                    found.append(Remembered(name, element["val"], element["expires"]))
        return found

    async def remove(self) -> None:
        """Removing a table that is not there is success."""
        if shutil.which("nft") is not None:
            await self.apply(f"add table ip {self.table}\ndelete table ip {self.table}\n")


async def _run(*arguments: str, stdin: bytes | None = None) -> bytes:
    # Nothing is written to an nft that reads nothing: uvloop raises when it has ended before.
    process = await asyncio.create_subprocess_exec(
        "nft",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            output, errors = await process.communicate(stdin)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    if process.returncode != 0:
        first = errors.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise NftFailed(f"nft: {first[0]}")
    return output
