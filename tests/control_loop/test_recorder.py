import pytest

from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import CONFIG_MAP, EVENT
from minikube_py.meta.objects import Object
from tests.control_loop.harness import ControlPlane


@pytest.fixture
async def subject(plane: ControlPlane) -> Object:
    return await plane.create(CONFIG_MAP, {"metadata": {"name": "a"}})


@pytest.fixture
def recorder(plane: ControlPlane) -> Recorder:
    return Recorder(plane.resources, "test-controller", plane.clock, host="node-1")


async def test_an_event_says_what_happened_to_whom_and_who_says_so(
    plane: ControlPlane, recorder: Recorder, subject: Object
) -> None:
    await recorder.event(subject, "Warning", "Broken", "it broke")

    [event] = plane.all(EVENT)
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "Broken", "it broke")
    assert event["involvedObject"]["uid"] == subject["metadata"]["uid"]
    assert event["involvedObject"]["kind"] == "ConfigMap"
    assert event["source"] == {"component": "test-controller", "host": "node-1"}
    assert event["count"] == 1
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-31T12:00:00Z"


@pytest.mark.parametrize(
    ("obj", "host"),
    [
        pytest.param({"kind": "Pod", "spec": {"nodeName": "node-2"}}, "node-2", id="pod"),
        pytest.param({"kind": "Pod", "spec": {}}, "node-1", id="pod of no node"),
        pytest.param({"kind": "Node", "metadata": {"name": "node-3"}}, "node-3", id="node"),
        pytest.param({"kind": "ConfigMap"}, "node-1", id="anything else"),
    ],
)
async def test_a_component_of_each_node_speaks_from_the_node_of_its_subject(
    plane: ControlPlane, obj: Object, host: str
) -> None:
    subject = {"apiVersion": "v1", "metadata": {"name": "a", "namespace": "default"}, **obj}
    recorder = Recorder(plane.resources, "kubelet", plane.clock, host="node-1", of_each_node=True)

    await recorder.event(subject, "Normal", "Started", "started")

    [event] = plane.all(EVENT)
    assert event["source"] == {"component": "kubelet", "host": host}
    assert event["reportingInstance"] == host


async def test_an_event_can_name_the_part_it_is_about(
    plane: ControlPlane, recorder: Recorder, subject: Object
) -> None:
    for name in ("one", "two"):
        path = f"spec.containers{{{name}}}"
        await recorder.event(subject, "Normal", "Started", "started", field_path=path)

    paths = {event["involvedObject"]["fieldPath"] for event in plane.all(EVENT)}
    assert paths == {"spec.containers{one}", "spec.containers{two}"}


async def test_the_same_again_is_counted(
    plane: ControlPlane, recorder: Recorder, subject: Object
) -> None:
    await recorder.event(subject, "Normal", "Pulled", "got it")
    plane.clock.forward(90)
    await recorder.event(subject, "Normal", "Pulled", "got it")

    [event] = plane.all(EVENT)
    assert event["count"] == 2
    assert event["firstTimestamp"] == "2026-01-31T12:00:00Z"
    assert event["lastTimestamp"] == "2026-01-31T12:01:30Z"


async def test_an_event_that_was_forgotten_is_made_anew(
    plane: ControlPlane, recorder: Recorder, subject: Object
) -> None:
    await recorder.event(subject, "Normal", "Pulled", "got it")
    await plane.delete(EVENT, plane.all(EVENT)[0]["metadata"]["name"])

    await recorder.event(subject, "Normal", "Pulled", "got it")

    [event] = plane.all(EVENT)
    assert event["count"] == 1


async def test_ever_new_messages_for_one_reason_are_summed_up(
    plane: ControlPlane, recorder: Recorder, subject: Object
) -> None:
    for number in range(15):
        await recorder.event(subject, "Warning", "Failed", f"attempt {number}")

    combined = [e for e in plane.all(EVENT) if e["message"].startswith("(combined from similar")]
    assert len(plane.all(EVENT)) <= 15
    assert combined


async def test_an_object_that_says_too_much_is_held_back(
    plane: ControlPlane, recorder: Recorder, subject: Object
) -> None:
    for _ in range(40):
        await recorder.event(subject, "Normal", "Again", "and again")

    [event] = plane.all(EVENT)
    assert event["count"] == 25
    plane.clock.forward(301)
    await recorder.event(subject, "Normal", "Again", "and again")
    assert plane.all(EVENT)[0]["count"] == 26


async def test_an_event_that_cannot_be_written_breaks_nobody(
    plane: ControlPlane, recorder: Recorder, subject: Object
) -> None:
    homeless = {**subject, "metadata": {**subject["metadata"], "namespace": "nowhere"}}

    await recorder.event(homeless, "Normal", "Lost", "nobody hears")

    assert plane.all(EVENT, None) == []


async def test_recorded_events_are_written_in_the_background_in_order(
    plane: ControlPlane, subject: Object
) -> None:
    for number in range(3):
        plane.recorder.record(subject, "Normal", "Counted", f"number {number}")

    await plane.eventually(lambda: len(plane.events("Counted")) == 3)

    assert plane.events("Counted") == ["number 0", "number 1", "number 2"]


async def test_a_long_message_is_cut(
    plane: ControlPlane, recorder: Recorder, subject: Object
) -> None:
    await recorder.event(subject, "Normal", "Long", "x" * 5000)

    assert len(plane.all(EVENT)[0]["message"]) == 1024
