"""A container's rule that restarts all of its pod where it is (KEP-5532)."""

import asyncio

import pytest

from minikube_py.kubelet.restart_all import CONDITION
from minikube_py.meta.objects import Object, find_condition, is_condition_true
from tests.kubelet.conftest import World, container, is_ready, sleeper, state_of
from tests.kubelet.mortal import Life, Side
from tests.kubelet.test_crash import restart

RULES = [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [88]}}]


def _restarts(pod: Object) -> dict[str, int]:
    status = pod["status"]
    entries = [*status.get("initContainerStatuses", ()), *status["containerStatuses"]]
    return {entry["name"]: entry["restartCount"] for entry in entries}


def _is_done(pod: Object) -> bool:
    return is_ready(pod) and set(_restarts(pod).values()) == {1}


@pytest.mark.docker
@pytest.mark.root
async def test_all_containers_start_anew_in_the_same_pod(docker_world: World) -> None:
    world = docker_world
    shared = {"volumeMounts": [{"name": "d", "mountPath": "/d"}]}
    count = "test $(wc -l < /d/starts) -ge 2"
    script = f"{count} && sleep 600; sleep 1; exit 88"
    await world.pod(
        "job",
        restartPolicy="Never",
        terminationGracePeriodSeconds=600,
        volumes=[{"name": "d", "emptyDir": {}}],
        initContainers=[container("prepare", "sh", "-c", "echo x >> /d/starts", **shared)],
        containers=[
            container(
                "app", "sh", "-c", script, restartPolicy="Never", restartPolicyRules=RULES, **shared
            ),
            sleeper("other", lifecycle={"preStop": {"sleep": {"seconds": 500}}}),
        ],
    )
    before = await world.ready("job")
    sandbox = next(c.sandbox_id for c in await world.containers("job"))

    during = await world.until("job", lambda pod: is_condition_true(pod, CONDITION), "restarting")
    after = await world.until("job", _is_done, "restarted")

    assert during["status"]["phase"] == "Pending"
    assert "exited with code 88" in (find_condition(during, CONDITION) or {})["message"]
    assert (find_condition(after, CONDITION) or {})["status"] == "False"
    assert after["status"]["podIP"] == before["status"]["podIP"]
    assert {c.sandbox_id for c in await world.containers("job")} == {sandbox}
    assert state_of(after)["lastState"]["terminated"]["exitCode"] == 88
    await world.delete("job")


KILLED = [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [137]}}]


async def _lives(world: World, name: str) -> None:
    await world.pod(
        name,
        restartPolicy="Never",
        initContainers=[sleeper("watcher", restartPolicy="Always", restartPolicyRules=KILLED)],
        containers=[sleeper("app")],
    )
    await world.until(name, _runs, "running")


async def _lose_watcher(world: World, name: str) -> None:
    found = next(c for c in await world.containers(name) if c.name == "watcher")
    await world.runtime.stop_container(found.id, grace_seconds=0)


def _runs(pod: Object) -> bool:
    return "status" in pod and "running" in state_of(pod, "app").get("state", {})


def _is_anew(pod: Object) -> bool:
    return min(_restarts(pod).values()) >= 1 and _runs(pod)


async def _dies(world: World, number: int, side: Side) -> bool:
    """The daemon at its numberth act since the watcher was lost, and the next one brings the pod
    to its end; False when there are not so many acts.
    """
    name, life = f"{side}-{number}", Life()
    await restart(world, life)
    await _lives(world, name)
    life.end_at(number, side)
    await _lose_watcher(world, name)
    anew = asyncio.create_task(world.until(name, _is_anew, "restarted"))
    ended = asyncio.create_task(life.ended.wait())
    await asyncio.wait([anew, ended], return_when=asyncio.FIRST_COMPLETED)
    anew.cancel()
    ended.cancel()
    await restart(world)
    pod = await world.until(name, _is_anew, f"restarted when killed {life.died_at}")
    assert not is_condition_true(pod, CONDITION), f"killed {life.died_at}"
    await world.delete(name)
    await world.gone(name)
    return life.ended.is_set()


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_daemon_killed_at_any_act_of_it_restarts_all_in_the_end(
    paper_world: World, side: Side
) -> None:
    number = 0
    while await _dies(paper_world, number, side):
        number += 1

    assert number > 6
