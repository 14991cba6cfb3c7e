"""The node goes down: its pods stop as they ask for it, and come back with it."""

import asyncio

from tests.kubelet.conftest import World, container, is_ready, sleeper, state_of


async def test_pods_of_a_node_that_goes_down_come_back_with_it(paper_world: World) -> None:
    await paper_world.stop_kubelet()
    kubelet = paper_world.start_kubelet()
    hook = {"exec": {"command": ["sh", "-c", "no service sends anything now"]}}
    await paper_world.pod("web", containers=[sleeper(lifecycle={"preStop": hook})])
    await paper_world.pod("done", restartPolicy="Never", containers=[container("app", "true")])
    before = await paper_world.ready("web")
    await paper_world.phase("done", "Succeeded")

    await kubelet.rest(5)
    await paper_world.pod("late", containers=[sleeper()])
    await asyncio.sleep(0.05)

    [ended] = await paper_world.containers("web")
    assert ended.state == "exited"
    assert ("Killing", "Stopping container app") in paper_world.events("web")
    assert paper_world.get("web")["status"] == before["status"]
    assert await paper_world.containers("done")
    assert await paper_world.containers("late") == []

    await paper_world.stop_kubelet()
    paper_world.start_kubelet()
    await paper_world.until(
        "web", lambda pod: state_of(pod)["restartCount"] == 1 and is_ready(pod), "back again"
    )
    await paper_world.ready("late")
    assert paper_world.get("done")["status"]["phase"] == "Succeeded"


async def test_a_pod_deleted_while_its_node_goes_down_is_deleted(paper_world: World) -> None:
    await paper_world.stop_kubelet()
    kubelet = paper_world.start_kubelet()
    stubborn = container("app", "sh", "-c", "trap '' TERM; sleep 600")
    await paper_world.pod("web", terminationGracePeriodSeconds=60, containers=[stubborn])
    await paper_world.ready("web")

    await paper_world.delete("web")
    await kubelet.rest(0.2)

    assert not paper_world.has("web")
