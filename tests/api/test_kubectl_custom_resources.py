"""kubectl works with custom kinds as with built-in ones, from its first release that knows them."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.conftest import Kubectl
from tests.apiserver.custom_kinds import NAME, crontab, crontabs, serving_definitions
from tests.apiserver.serving import Cluster

_FETCHED = Path(os.environ.get("MK_CACHE", "/var/cache/minikube-py")) / "clients"
PROGRAMS = ["kubectl", *map(str, sorted(_FETCHED.glob("kubectl-*")))]


@pytest.fixture
async def served(cluster: Cluster, kubectl: Kubectl) -> AsyncIterator[Kubectl]:
    """kubectl, and a cluster in which the crontabs are defined."""
    async with serving_definitions(cluster):
        await kubectl.apply(crontabs())
        await kubectl("wait", "--for=condition=Established", f"crd/{NAME}", "--timeout=10s")
        yield kubectl


async def test_a_custom_kind_is_used_like_any_other(served: Kubectl) -> None:
    made = await served.apply(crontab())
    shown = await served("get", "ct")
    wide = await served("get", "crontabs.v1.stable.example.com", "a", "-o", "wide")
    every = await served("get", "all")
    await served("scale", "--replicas=3", "ct/a")
    scaled = await served("get", "ct", "a", "-o", "jsonpath={.spec.replicas}")
    described = await served("describe", "ct", "a")

    assert made == "crontab.stable.example.com/a created\n"
    assert shown.split()[:3] == ["NAME", "SPEC", "REPLICAS"]
    assert wide.split()[3] == "IMAGE"
    assert "crontab.stable.example.com/a" in every
    assert scaled == "3"
    assert "Cron Spec:" in described


async def test_server_side_apply_patch_and_delete(served: Kubectl) -> None:
    stdin = json.dumps(crontab(steps=[{"name": "a"}]))
    applied = await served("apply", "--server-side", "-f", "-", stdin=stdin)
    await served("patch", "ct", "a", "--type=merge", "-p", '{"spec":{"replicas":2}}')
    changed = json.dumps(crontab(replicas=3))
    code, _, conflict = await served.run("apply", "--server-side", "-f", "-", stdin=changed)
    deleted = await served("delete", "ct", "a")

    assert "serverside-applied" in applied
    assert code == 1
    assert "spec.replicas" in conflict
    assert deleted == 'crontab.stable.example.com "a" deleted\n'


async def test_faults_are_told_by_field(served: Kubectl) -> None:
    stdin = json.dumps(crontab(replicas=11, extra=1))
    code, _, strict = await served.run("create", "-f", "-", stdin=stdin)
    _, _, invalid = await served.run("create", "--validate=false", "-f", "-", stdin=stdin)

    assert code == 1
    assert 'unknown field "spec.extra"' in strict
    assert "spec.replicas in body should be less than or equal to 10" in invalid


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: Path(program).name)
async def test_explain_knows_custom_kinds(served: Kubectl, program: str) -> None:
    served.program = program

    kind = await served("explain", "crontabs")
    field = await served("explain", "ct.spec.cronSpec")
    deep = await served("explain", "crontab.spec.steps.name")
    recursive = await served("explain", "crontab", "--recursive")

    assert "a table of jobs" in kind
    assert "when it runs" in field
    assert "which step" in deep
    assert "cronSpec" in recursive
    assert "labels" in recursive


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: Path(program).name)
async def test_every_release_applies_and_lists_them(served: Kubectl, program: str) -> None:
    served.program = program

    made = await served.apply(crontab("by-" + Path(program).name.replace(".", "-")))
    again = await served.apply(crontab("by-" + Path(program).name.replace(".", "-"), replicas=2))
    listed = await served("get", "crontabs", "-A")

    assert made.endswith("created\n")
    assert again.endswith("configured\n")
    assert "default" in listed


async def test_deleting_the_definition_takes_all_along(served: Kubectl) -> None:
    await served.apply(crontab())

    await served("delete", "crd", NAME)
    code, _, error = await served.run("get", "crontabs")

    assert code == 1
    assert "crontabs" in error
