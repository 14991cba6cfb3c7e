"""Rules in the host's own firewall: needs root and iptables."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from minikube_py.network import firewall
from tests.network.conftest import World, shell

pytestmark = pytest.mark.root
Run = Callable[..., Awaitable[Any]]


def rules_of(world: World) -> list[str]:
    return [
        line
        for chain in ("DOCKER-USER", "FORWARD")
        for line in shell(f"iptables -w -S {chain}", check=False).splitlines()
        if f'"mk {world.cluster.name} NodePorts"' in line
    ]


async def test_rules_are_there_once_and_looked_for_with_one_command(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rules_of(world)
    asked = []
    run: Run = asyncio.create_subprocess_exec

    async def noted(*words: str, **options: Any) -> Any:
        asked.append(words[3])
        return await run(*words, **options)

    monkeypatch.setattr("asyncio.create_subprocess_exec", noted)
    await firewall.let_node_ports_in(world.cluster)

    assert len(before) == 2
    assert rules_of(world) == before
    assert set(asked) == {"-S"}


async def test_a_rule_that_was_taken_away_comes_back(world: World) -> None:
    before = rules_of(world)
    shell(f"iptables -w {before[0].replace('-A', '-D', 1)}")
    assert len(rules_of(world)) == 1

    await firewall.let_node_ports_in(world.cluster)

    assert sorted(rules_of(world)) == sorted(before)


async def test_nothing_is_left_after_removal(world: World) -> None:
    await firewall.remove_rules(world.cluster)

    assert rules_of(world) == []
