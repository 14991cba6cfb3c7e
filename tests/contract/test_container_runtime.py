"""What the kubelet may rely on, whatever runs its pods."""

import asyncio
import io
import tarfile
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from minikube_py.container_runtime.interface import (
    ContainerRuntime,
    ImageNotFound,
    LogOptions,
    Mount,
    NoSuchContainer,
    Resources,
    RuntimeFailure,
    SandboxSpec,
)
from tests.contract.conftest import IMAGE, MakePod, Pod, read_to_end, until

# -- sandboxes ---------------------------------------------------------------------------------


async def test_a_sandbox_runs_and_is_found_again_by_its_pod(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    found = await runtime.observe_pod(pod.identity.uid)

    assert found is not None
    assert found.pod == pod.identity
    assert [one.id for one in found.sandboxes] == [pod.sandbox.id]
    assert found.sandboxes[0].running
    assert found.sandboxes[0].pid == pod.sandbox.pid > 0


async def test_attempts_of_a_sandbox_are_told_apart_newest_first(
    runtime: ContainerRuntime, new_pod: MakePod
) -> None:
    first = await new_pod()
    spec = first.identity
    second = await runtime.run_sandbox(SandboxSpec(spec, hostname="web", attempt=1))

    found = await runtime.observe_pod(spec.uid)

    assert found is not None
    assert [(one.id, one.attempt) for one in found.sandboxes] == [
        (second.id, 1),
        (first.sandbox.id, 0),
    ]


async def test_removing_a_sandbox_twice_is_success(runtime: ContainerRuntime, pod: Pod) -> None:
    await runtime.remove_sandbox(pod.sandbox.id)
    await runtime.remove_sandbox(pod.sandbox.id)

    assert await runtime.observe_pod(pod.identity.uid) is None


async def test_a_pod_never_seen_is_none(runtime: ContainerRuntime) -> None:
    assert await runtime.observe_pod("no-such-uid") is None


async def test_pods_are_listed_apart(runtime: ContainerRuntime, new_pod: MakePod) -> None:
    one, other = await new_pod("one"), await new_pod("other")
    container = await other.create(["sleep", "100"])

    pods = {found.pod: found for found in await runtime.list_pods()}

    assert set(pods) == {one.identity, other.identity}
    assert [c.id for c in pods[other.identity].containers] == [container]
    assert not pods[one.identity].containers


# -- life of a container -----------------------------------------------------------------------


async def test_a_container_is_created_then_running_then_exited(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    container = await pod.create(["sh", "-c", "sleep 0.3; exit 3"], spec_hash="abc")
    created = await pod.look(container)
    await runtime.start_container(container)
    running = await pod.look(container)
    ended = await pod.ended(container)

    assert (created.state, created.started_at, created.pid) == ("created", None, 0)
    assert (running.state, running.name, running.attempt) == ("running", "main", 0)
    assert running.pid > 0
    assert running.started_at is not None
    assert (ended.exit_code, ended.spec_hash, ended.sandbox_id) == (3, "abc", pod.sandbox.id)
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert ended.finished_at > ended.started_at >= created.created_at
    assert ended.image == IMAGE
    assert ended.image_id.startswith("sha256:")


async def test_annotations_are_given_back_unchanged(pod: Pod) -> None:
    notes = {"io.kubernetes.container.restartCount": "2", "a/b": 'with "quotes" and ünicode'}

    container = await pod.create(["true"], annotations=notes)

    assert (await pod.look(container)).annotations == notes


async def test_the_next_attempt_stands_beside_the_former(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    first = await pod.start(["true"])
    await pod.ended(first)
    second = await pod.start(["sleep", "100"])

    found = await runtime.observe_pod(pod.identity.uid)

    assert found is not None
    assert [(one.id, one.attempt) for one in found.containers] == [(second, 1), (first, 0)]


async def test_a_missing_image_is_named(pod: Pod) -> None:
    with pytest.raises(ImageNotFound, match="no/such:image"):
        await pod.create(["true"], image="no/such:image")


async def test_starting_what_is_gone_says_so(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.create(["true"])
    await runtime.remove_container(container)

    with pytest.raises(NoSuchContainer):
        await runtime.start_container(container)


async def test_starting_a_running_container_changes_nothing(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    container = await pod.start(["sleep", "100"])
    before = await pod.look(container)

    await runtime.start_container(container)

    assert await pod.look(container) == before


async def test_removing_a_running_container_twice_is_success(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    container = await pod.start(["sleep", "100"])

    await runtime.remove_container(container)
    await runtime.remove_container(container)

    found = await runtime.observe_pod(pod.identity.uid)
    assert found is not None
    assert not found.containers


async def test_the_hostname_is_right_from_the_first_instruction(new_pod: MakePod) -> None:
    pod = await new_pod("db-0", hostname="db-0")

    container = await pod.start(["hostname"])
    await pod.ended(container)

    assert await pod.output(container) == ["db-0\n"]


async def test_environment_and_arguments_reach_the_process(pod: Pod) -> None:
    container = await pod.start(["sh", "-c"], args=["echo $GREETING"], env={"GREETING": "hello"})
    await pod.ended(container)

    assert await pod.output(container) == ["hello\n"]


async def test_resources_of_a_running_container_can_change(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    container = await pod.start(["sleep", "100"], resources=Resources(memory_bytes=64 << 20))

    await runtime.update_resources(container, Resources(memory_bytes=128 << 20, cpu_shares=512))

    assert (await pod.look(container)).state == "running"


# -- stop --------------------------------------------------------------------------------------


async def test_stop_lets_the_process_end_by_itself(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.script("trap 'exit 7' TERM; echo ready; sleep 100 & wait")
    await until(lambda: _has_said(pod, container, "ready\n"))

    await runtime.stop_container(container, grace_seconds=20)

    ended = await pod.look(container)
    assert (ended.state, ended.exit_code) == ("exited", 7)


async def test_stop_kills_what_ignores_the_signal(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.script("trap '' TERM; echo ready; sleep 100")
    await until(lambda: _has_said(pod, container, "ready\n"))

    await runtime.stop_container(container, grace_seconds=0.5, signal="SIGTERM")

    ended = await pod.look(container)
    assert (ended.state, ended.exit_code) == ("exited", 137)


async def test_stop_without_grace_kills_at_once(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.start(["sleep", "100"])

    await runtime.stop_container(container, grace_seconds=0)

    assert (await pod.look(container)).exit_code == 137


async def test_stopping_what_has_ended_or_is_gone_is_success(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    container = await pod.start(["true"])
    await pod.ended(container)

    await runtime.stop_container(container, grace_seconds=5)
    await runtime.remove_container(container)
    await runtime.stop_container(container, grace_seconds=5)


async def test_a_stop_that_is_given_up_can_be_hurried(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.script("trap '' TERM; echo ready; sleep 100")
    await until(lambda: _has_said(pod, container, "ready\n"))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await runtime.stop_container(container, grace_seconds=60)
    await runtime.stop_container(container, grace_seconds=0)

    assert (await pod.look(container)).state == "exited"


# -- events ------------------------------------------------------------------------------------


async def test_events_begin_with_everything_and_then_tell_what_happens(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    events = runtime.events()
    first = await anext(events)
    container = await pod.start(["true"])
    seen = []
    async with asyncio.timeout(20):
        async for event in events:
            if event.container_id == container:
                seen.append((event.pod_uid, event.action))
                if event.action == "die":
                    break

    assert first.pod_uid == ""
    assert seen == [(pod.identity.uid, "start"), (pod.identity.uid, "die")]


async def test_after_an_event_the_new_state_is_observed(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    events = runtime.events()
    await anext(events)
    container = await pod.script("sleep 0.3; exit 4")
    assert (await pod.look(container)).state == "running"
    async with asyncio.timeout(20):
        async for event in events:
            if (event.container_id, event.action) == (container, "die"):
                break

    assert (await pod.look(container)).exit_code == 4


# -- logs --------------------------------------------------------------------------------------


async def test_logs_are_whole_lines_of_both_streams_also_after_the_end(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    container = await pod.script("echo one; sleep 0.1; cat /no/such/file; sleep 0.1; echo two")
    await pod.ended(container)

    lines = [line async for line in runtime.logs(container, LogOptions())]

    assert [stream for stream, _ in lines] == ["stdout", "stderr", "stdout"]
    assert [lines[0][1], lines[2][1]] == [b"one\n", b"two\n"]


async def test_tail_counts_lines(pod: Pod) -> None:
    container = await pod.script("echo one; echo two; echo three")
    await pod.ended(container)

    assert await pod.output(container, tail=2) == ["two\n", "three\n"]
    assert await pod.output(container, tail=0) == []


async def test_following_shows_what_was_and_what_comes_and_ends_with_the_container(
    pod: Pod,
) -> None:
    container = await pod.script("echo one; sleep 0.4; echo two; sleep 0.4; echo three")

    async with asyncio.timeout(20):
        assert await pod.output(container, follow=True) == ["one\n", "two\n", "three\n"]


async def test_lines_can_be_bounded_by_time_and_carry_it(pod: Pod) -> None:
    container = await pod.script("echo one; sleep 1; echo two")
    ended = await pod.ended(container)
    assert ended.started_at is not None
    middle = ended.started_at + timedelta(seconds=0.6)

    stamped = await pod.output(container, timestamps=True, since=middle)

    stamp, text = stamped[0].split(" ", 1)
    assert (len(stamped), text) == (1, "two\n")
    assert stamp.endswith("Z")
    assert datetime.fromisoformat(stamp[:19]).replace(tzinfo=UTC) <= datetime.now(UTC)
    assert await pod.output(container, until=middle) == ["one\n"]


async def test_logs_of_what_is_gone_say_so(runtime: ContainerRuntime) -> None:
    with pytest.raises(NoSuchContainer):
        await anext(runtime.logs("0" * 64, LogOptions()))


# -- exec and attach ---------------------------------------------------------------------------


async def test_exec_gives_output_and_exit_code(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.start(["sleep", "100"])

    session = await runtime.exec(container, ["sh", "-c", "echo out; cat /nothing; exit 5"])
    output = await read_to_end(session)

    assert output["stdout"] == b"out\n"
    assert b"/nothing" in output["stderr"]
    assert await session.exit_code() == 5
    await session.close()


async def test_exec_reads_stdin_to_its_end(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.start(["sleep", "100"])

    session = await runtime.exec(container, ["cat"], stdin=True)
    await session.write(b"there and ")
    await session.write(b"back\n")
    await session.close_stdin()

    assert (await read_to_end(session))["stdout"] == b"there and back\n"
    assert await session.exit_code() == 0
    await session.close()


async def test_exec_with_a_terminal_is_one_stream_and_has_a_size(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    container = await pod.start(["sleep", "100"])

    session = await runtime.exec(container, ["sh", "-c", "cat /none; sleep 0.2"], tty=True)
    await session.resize(100, 40)
    output = await read_to_end(session)

    assert b"/none" in output["stdout"]
    assert output["stderr"] == b""
    await session.close()


async def test_exec_in_what_does_not_run_is_refused(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.start(["true"])
    await pod.ended(container)

    with pytest.raises(RuntimeFailure, match="not running"):
        await runtime.exec(container, ["true"])


async def test_exec_sync_answers_code_and_output(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.start(["sleep", "100"])

    answer = await runtime.exec_sync(
        container, ["sh", "-c", "echo checked; exit 1"], timeout_seconds=20
    )

    assert answer == (1, b"checked\n")


async def test_exec_sync_gives_up_in_time(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.start(["sleep", "100"])

    with pytest.raises(TimeoutError):
        await runtime.exec_sync(container, ["sleep", "100"], timeout_seconds=0.3)


async def test_attach_shows_what_the_main_process_says(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.script("sleep 0.6; echo attached; exit 2")

    session = await runtime.attach(container, stdin=False, tty=False)

    assert (await read_to_end(session))["stdout"] == b"attached\n"
    assert await session.exit_code() == 2
    await session.close()


async def test_nobody_is_kept_waiting_for_a_process_that_has_ended(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    container = await pod.script("exit 2")
    await pod.ended(container)

    async with asyncio.timeout(5):
        with pytest.raises(RuntimeFailure, match="not running"):
            await runtime.attach(container, stdin=False, tty=False)


# -- files, images, volumes, cluster -----------------------------------------------------------


async def test_files_can_be_read_also_after_the_end(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.script("echo why it ended > /tmp/message")
    await pod.ended(container)

    assert await runtime.read_file(container, "/tmp/message", limit_bytes=100) == b"why it ended\n"
    assert await runtime.read_file(container, "/tmp/message", limit_bytes=3) == b"why"
    assert await runtime.read_file(container, "/tmp/none", limit_bytes=100) == b""


async def test_images_are_found_by_name(runtime: ContainerRuntime) -> None:
    image = await runtime.image(IMAGE)

    assert image is not None
    assert image.id.startswith("sha256:")
    assert IMAGE in image.tags
    assert await runtime.image("no/such:image") is None


async def test_an_images_files_come_as_a_tar(runtime: ContainerRuntime) -> None:
    image = await runtime.image(IMAGE)
    assert image is not None

    twice = [b"".join([part async for part in runtime.image_files(image.id)]) for _ in range(2)]

    for data in twice:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            assert not any(name.startswith("/") for name in tar.getnames())
    assert await runtime.list_pods() == []
    async with aclosing(runtime.image_files("no/such:image")) as parts:
        with pytest.raises(ImageNotFound):
            await anext(parts)


async def test_a_volume_is_made_once(runtime: ContainerRuntime, pod: Pod) -> None:
    name = f"mk-test-{pod.identity.uid[:8]}"

    first = await runtime.create_volume(name, {"app": "db"})
    again = await runtime.create_volume(name, {"app": "db"})

    assert first == again
    assert first.startswith("/")
    await runtime.remove_volume(name)
    await runtime.remove_volume(name)


async def test_a_folder_of_a_volume_can_be_mounted_alone(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    name = f"mk-test-{pod.identity.uid[:8]}"
    path = await runtime.create_volume(name, {"app": "db"})

    container = await pod.start(["sleep", "100"], mounts=[Mount(path, "/part")])

    assert (await pod.look(container)).state == "running"
    await runtime.remove_container(container)
    await runtime.remove_volume(name)


async def test_running_containers_have_stats(runtime: ContainerRuntime, pod: Pod) -> None:
    container = await pod.start(["sleep", "100"])

    stats = await runtime.stats()

    assert [(one.container_id, one.container_name) for one in stats] == [(container, "main")]
    assert stats[0].memory_working_set_bytes > 0


async def test_the_runtime_describes_its_host(runtime: ContainerRuntime) -> None:
    await runtime.ping()
    info = await runtime.info()

    assert info.cpus > 0
    assert info.memory_bytes > 1 << 20
    assert info.cgroup_version in (1, 2)


async def test_nothing_is_left_after_everything_is_removed(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    await pod.start(["sleep", "100"])
    await pod.create(["true"], name="other")

    await runtime.remove_everything(volumes=True)
    await runtime.remove_everything(volumes=True)

    assert list(await runtime.list_pods()) == []


async def test_ended_containers_may_stay_for_their_logs(
    runtime: ContainerRuntime, pod: Pod
) -> None:
    running = await pod.start(["sleep", "100"])
    over = await pod.start(["echo", "the last words"], name="other")
    await pod.ended(over)

    await runtime.remove_everything(volumes=False, keep_ended=True)

    [left] = await runtime.list_pods()
    assert running not in [container.id for container in left.containers]
    assert [container.id for container in left.containers] == [over]
    assert left.sandboxes == ()
    assert await pod.output(over) == ["the last words\n"]


async def _has_said(pod: Pod, container: str, line: str) -> bool | None:
    return True if line in await pod.output(container) else None
