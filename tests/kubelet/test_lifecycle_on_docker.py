"""How containers of real pods start, end and come back."""

import asyncio
from pathlib import Path

import pytest

from minikube_py.container_runtime.interface import LogOptions
from minikube_py.kinds.catalog import POD
from minikube_py.kinds.dev_annotations import RESTARTED_AT
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.timestamps import format_micro_time, system_clock
from tests.kubelet.conftest import World, container, is_ready, sleeper, state_of

pytestmark = [pytest.mark.docker, pytest.mark.root]

NOTES = {"name": "notes", "mountPath": "/notes"}
LINES = 200_000


def noting(name: str, word: str, signal: str = "TERM", **fields: object) -> Object:
    """Writes a word down when it is told to stop."""
    script = (
        f"trap 'echo {word} >> /notes/all; exit 0' {signal}; while :; do sleep 60 & wait $!; done"
    )
    return container(name, "sh", "-c", script, volumeMounts=[NOTES], **fields)


def notes_in(folder: Path) -> list[Object]:
    folder.chmod(0o777)
    return [{"name": "notes", "hostPath": {"path": str(folder)}}]


async def test_containers_stop_by_hook_and_signal_sidecars_last_in_reverse(
    docker_world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    hook = {"exec": {"command": ["sh", "-c", "echo hook >> /notes/all"]}}
    await docker_world.pod(
        "web",
        os={"name": "linux"},
        terminationGracePeriodSeconds=20,
        volumes=notes_in(folder),
        initContainers=[
            noting("first", "first", restartPolicy="Always"),
            noting("second", "second", restartPolicy="Always"),
        ],
        containers=[
            noting("app", "app", "USR1", lifecycle={"preStop": hook, "stopSignal": "SIGUSR1"})
        ],
    )
    await docker_world.ready("web")

    await docker_world.delete("web")
    await docker_world.gone("web")

    assert (folder / "all").read_text().split() == ["hook", "app", "second", "first"]


async def test_pods_that_are_not_up_yet_go_at_once(docker_world: World) -> None:
    init = container("prepare", "sh", "-c", "trap 'exit 1' TERM; sleep 600 & wait")
    await docker_world.pod("starting", initContainers=[init], containers=[sleeper()])
    await docker_world.pod("crashing", containers=[container("app", "sh", "-c", "exit 1")])
    await docker_world.pod("pulling", containers=[{"name": "app", "image": "127.0.0.1:1/none:1"}])
    await docker_world.waiting("crashing", "CrashLoopBackOff")
    await docker_world.until(
        "starting",
        lambda pod: (
            get_path(pod, "status", "initContainerStatuses", default=[{}])[0]
            .get("state", {})
            .get("running")
        ),
        "its init container to run",
    )

    async with asyncio.timeout(10):
        for name in ("starting", "crashing", "pulling"):
            await docker_world.delete(name)
        for name in ("starting", "crashing", "pulling"):
            await docker_world.gone(name)


async def test_a_job_ends_though_its_sidecar_runs_and_containers_see_each_other(
    docker_world: World,
) -> None:
    script = "until pidof httpd; do sleep 0.1; done"
    await docker_world.pod(
        "job",
        restartPolicy="Never",
        shareProcessNamespace=True,
        initContainers=[
            container("side", "httpd", "-f", "-p", "8080", restartPolicy="Always"),
        ],
        containers=[container("app", "sh", "-c", script)],
    )

    pod = await docker_world.phase("job", "Succeeded")

    side = pod["status"]["initContainerStatuses"][0]
    assert "terminated" in side["state"]
    assert state_of(pod)["state"]["terminated"]["exitCode"] == 0


async def test_a_containers_own_rules_bring_it_back(docker_world: World) -> None:
    script = "echo x >> /d/f; test $(wc -l < /d/f) -ge 3 && exit 7; exit 42"
    await docker_world.pod(
        "job",
        annotations={"mk.dev/restart-backoff": "100ms"},
        restartPolicy="Never",
        volumes=[{"name": "d", "emptyDir": {}}],
        containers=[
            container(
                "app",
                "sh",
                "-c",
                script,
                restartPolicy="Never",
                restartPolicyRules=[
                    {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
                ],
                volumeMounts=[{"name": "d", "mountPath": "/d"}],
            )
        ],
    )

    pod = await docker_world.phase("job", "Failed")

    assert state_of(pod)["restartCount"] == 2
    assert state_of(pod)["state"]["terminated"]["exitCode"] == 7


async def test_a_restart_is_done_when_it_is_asked_for_and_only_once(docker_world: World) -> None:
    await docker_world.pod("web", containers=[sleeper()])
    await docker_world.pod("crashing", containers=[container("app", "sh", "-c", "exit 1")])
    await docker_world.ready("web")
    before = await docker_world.waiting("crashing", "CrashLoopBackOff")

    def ask(obj: Object) -> None:
        stamp = format_micro_time(system_clock())
        obj["metadata"].setdefault("annotations", {})[RESTARTED_AT] = stamp

    for name in ("web", "crashing"):
        await docker_world.resources.modify(POD, "default", name, ask)
    await docker_world.until(
        "crashing",
        lambda pod: state_of(pod)["restartCount"] > before["restartCount"],
        "tried without its back-off",
        5,
    )
    await docker_world.until(
        "web", lambda pod: state_of(pod)["restartCount"] == 1 and is_ready(pod), "restarted"
    )
    await docker_world.stop_kubelet()
    docker_world.start_kubelet()
    await asyncio.sleep(0.5)

    assert state_of(docker_world.get("web"))["restartCount"] == 1


async def test_messages_are_cut_at_kubelets_limits(docker_world: World) -> None:
    lines = "for i in $(seq 1 200); do echo line-$i-0123456789012345678901234567890123456789; done"
    await docker_world.pod(
        "job",
        restartPolicy="Never",
        containers=[
            container("file", "sh", "-c", f"({lines}; {lines}) > /dev/termination-log; exit 1"),
            container(
                "log",
                "sh",
                "-c",
                f"{lines}; exit 1",
                terminationMessagePolicy="FallbackToLogsOnError",
            ),
        ],
    )

    pod = await docker_world.phase("job", "Failed")

    messages = {name: _ended(pod, name)["message"] for name in ("file", "log")}
    assert len(messages["file"]) == 4096
    assert messages["file"].endswith("line-200-0123456789012345678901234567890123456789\n")
    assert len(messages["log"]) == 2048
    assert messages["log"].endswith("line-200-0123456789012345678901234567890123456789\n")


async def test_messages_of_one_pod_fill_twelve_kibibytes_at_most(docker_world: World) -> None:
    script = "head -c 4000 /dev/zero | tr '\\0' x > /dev/termination-log; exit 1"
    names = ("a", "b", "c", "d")
    await docker_world.pod(
        "job",
        restartPolicy="Never",
        initContainers=[container("prepare", "true")],
        containers=[container(name, "sh", "-c", script) for name in names],
    )

    pod = await docker_world.phase("job", "Failed")

    assert [len(_ended(pod, name)["message"]) for name in names] == [12288 // 5] * 4


async def test_no_line_of_a_fast_writer_is_lost_though_its_log_is_rotated(
    docker_world: World,
) -> None:
    words = "of many that are written as fast as can be"
    script = f'BEGIN {{ for (i = 1; i <= {LINES}; i++) print "line " i " {words}" }}'
    await docker_world.pod(
        "job", restartPolicy="Never", containers=[container("app", "awk", script)]
    )
    await docker_world.until(
        "job", lambda pod: state_of(pod).get("containerID"), "its container to be known"
    )
    [found] = await docker_world.containers("job")

    logs = docker_world.runtime.logs
    followed = [line async for _, line in logs(found.id, LogOptions(follow=True))]

    assert followed[-1].startswith(f"line {LINES} of".encode())
    await docker_world.phase("job", "Succeeded")
    kept = [line async for _, line in logs(found.id, LogOptions())]
    assert kept == [f"line {number} {words}\n".encode() for number in range(1, LINES + 1)]
    assert followed == kept


def _ended(pod: Object, name: str) -> Object:
    return dict(state_of(pod, name)["state"]["terminated"])
