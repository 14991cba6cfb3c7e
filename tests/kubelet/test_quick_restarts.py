"""What mk's own annotations ask for, as developers use them: shorter waits and a restart now."""

from minikube_py.kinds.catalog import NAMESPACE, POD
from minikube_py.kinds.dev_annotations import RESTART_BACKOFF, RESTARTED_AT
from minikube_py.meta.objects import Object
from tests.kubelet.conftest import World, container, is_ready, sleeper, state_of


async def test_a_namespace_that_shortens_the_wait_does_so_for_those_that_wait_already(
    paper_world: World,
) -> None:
    await paper_world.pod("web", containers=[container("app", "false")])
    await paper_world.waiting("web", "CrashLoopBackOff")

    def shorten(obj: Object) -> None:
        obj["metadata"].setdefault("annotations", {})[RESTART_BACKOFF] = "10ms"

    await paper_world.resources.modify(NAMESPACE, None, "default", shorten)

    await paper_world.until("web", lambda pod: state_of(pod)["restartCount"] > 3, "tried again")


async def test_a_restart_asked_for_by_a_clock_that_is_ahead_is_one_restart(
    paper_world: World,
) -> None:
    await paper_world.pod("web", containers=[sleeper()])
    await paper_world.ready("web")

    def ask(obj: Object) -> None:
        obj["metadata"].setdefault("annotations", {})[RESTARTED_AT] = "2999-01-01T00:00:00Z"

    await paper_world.resources.modify(POD, "default", "web", ask)
    await paper_world.until(
        "web", lambda pod: state_of(pod)["restartCount"] == 1 and is_ready(pod), "restarted"
    )
    await paper_world.stop_kubelet()
    paper_world.start_kubelet()
    await paper_world.pod("later", containers=[sleeper()])
    await paper_world.ready("later")

    assert state_of(paper_world.get("web"))["restartCount"] == 1
