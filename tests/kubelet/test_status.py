from tests.kubelet.conftest import World, sleeper


async def test_a_status_that_says_nothing_new_is_not_written(paper_world: World) -> None:
    await paper_world.pod("web", containers=[sleeper()])
    before = await paper_world.ready("web")

    await paper_world.stop_kubelet()
    paper_world.start_kubelet()
    await paper_world.pod("other", containers=[sleeper()])
    await paper_world.ready("other")

    assert (
        paper_world.get("web")["metadata"]["resourceVersion"]
        == (before["metadata"]["resourceVersion"])
    )
