"""The two rules mk needs in a firewall that is not its own.

Docker drops what enters the host for a container unless a port was published, and what one of its
networks sends to another. A Service called from another machine, or by a container of another
network, is such a packet once its address is translated: the host's FORWARD rules must let these
through to the pods' bridge, and their answers back. No other table can say this on theirs' behalf:
a drop anywhere is final.
"""

import asyncio
import logging
import shlex
import shutil
from itertools import product

from minikube_py.meta.cluster import Cluster

_log = logging.getLogger(__name__)
_CHAINS = ("DOCKER-USER", "FORWARD")
_TIMEOUT_SECONDS = 10.0


async def let_node_ports_in(cluster: Cluster) -> None:
    """Adds the rules where they are missing; a host without iptables needs none."""
    if shutil.which("iptables") is None:
        return
    for chain in _CHAINS:
        if (there := await _listed(chain)) is not None:
            unlisted = [rule for rule in _rules(cluster) if rule not in there]
            # Should this iptables write its rules in another way, it still knows them.
            known = await asyncio.gather(*(_iptables("-C", chain, *rule) for rule in unlisted))
            for rule, is_there in zip(unlisted, known, strict=True):
                if not is_there:
                    await _iptables("-I", chain, *rule)
                    _log.info("firewall rule added chain=%s bridge=%s", chain, cluster.bridge)
            return


async def remove_rules(cluster: Cluster) -> None:
    if shutil.which("iptables") is None:
        return
    for chain, rule in product(_CHAINS, _rules(cluster)):
        while await _iptables("-D", chain, *rule):
            _log.info("firewall rule removed chain=%s bridge=%s", chain, cluster.bridge)


def _rules(cluster: Cluster) -> list[list[str]]:
    translated = ["-m", "conntrack", "--ctstate", "DNAT"]
    comment = ["-m", "comment", "--comment", f"mk {cluster.name} NodePorts", "-j", "ACCEPT"]
    return [
        ["-o", cluster.bridge, *translated, *comment],
        ["-i", cluster.bridge, *translated, "--ctdir", "REPLY", *comment],
    ]


async def _listed(chain: str) -> list[list[str]] | None:
    """A chain's rules in iptables' own words; None where there is no such chain."""
    code, out = await _run("-S", chain)
    if code != 0:
        return None
    lines = [shlex.split(line) for line in out.splitlines()]
    return [words[2:] for words in lines if words[:2] == ["-A", chain]]


async def _iptables(*arguments: str) -> bool:
    """Whether iptables agreed."""
    code, _ = await _run(*arguments)
    return code == 0


async def _run(*arguments: str) -> tuple[int, str]:
    """(exit code, what it printed)."""
    process = await asyncio.create_subprocess_exec(
        "iptables",
        "-w",
        "5",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            out, _ = await process.communicate()
            return await process.wait(), out.decode(errors="replace")
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
