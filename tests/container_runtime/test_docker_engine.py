"""What only the real engine can show."""

import asyncio
import json
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from minikube_py.container_runtime import warm_pool
from minikube_py.container_runtime.docker_engine import DockerEngine
from minikube_py.container_runtime.interface import (
    LogOptions,
    Mount,
    Resources,
    RuntimeFailure,
    RuntimeUnavailable,
    SandboxSpec,
    Security,
    StartFailed,
)
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.timestamps import system_clock
from tests.container_runtime.conftest import identity, output, run_sandbox, script, until

pytestmark = [pytest.mark.docker, pytest.mark.root]


def docker(*arguments: str) -> str:
    return subprocess.run(
        ["docker", *arguments], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def inspect(container: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("inspect", container))[0]
    return found


def link(path: str) -> str:
    return str(Path(path).readlink())


def shared_folder(folder: Path, **files: str) -> str:
    """Readable by all."""
    folder.chmod(0o755)
    for name, content in files.items():
        (folder / name).write_text(content)
    return str(folder)


def exists(interface: str) -> bool:
    return Path(f"/sys/class/net/{interface}").exists()


def warm(cluster: Cluster) -> list[str]:
    """The ids of sandboxes that wait for a pod."""
    names = ["--filter", f"name=mk-pool_{cluster.name}_", "--filter", "status=running"]
    return docker("ps", "--no-trunc", "--quiet", *names).split()


@asynccontextmanager
async def running(engine: DockerEngine, cluster: Cluster) -> AsyncIterator[None]:
    """The engine's background work, from the moment its pool is full."""
    task = asyncio.create_task(engine.run())

    async def is_full() -> bool:
        return len(warm(cluster)) == 2

    try:
        await until(is_full)
        await asyncio.sleep(0.1)  # the engine says "running" before the pool has heard of it
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# -- the warm pool -----------------------------------------------------------------------------


async def test_a_pod_takes_a_warm_sandbox_and_the_pool_is_no_pod(
    engine: DockerEngine, cluster: Cluster
) -> None:
    async with running(engine, cluster):
        before = warm(cluster)
        assert list(await engine.list_pods()) == []

        sandbox = await engine.run_sandbox(SandboxSpec(identity("db"), hostname="db-0"))

        assert sandbox.id in before
        assert inspect(sandbox.id)["Name"].startswith("/k8s_POD_db_default_")
        assert [pod.pod.name for pod in await engine.list_pods()] == ["db"]


async def test_the_pool_grows_to_what_a_burst_took_and_shrinks_when_it_is_not_needed(
    engine: DockerEngine, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_pool, "_DEMAND_SECONDS", 3.0)

    async def holds(many: int) -> None:
        async def is_so() -> bool:
            return len(warm(cluster)) == many

        await until(is_so)

    async with running(engine, cluster):
        burst = [SandboxSpec(identity(name), hostname=name) for name in ("a", "b", "c", "d")]
        await asyncio.gather(*map(engine.run_sandbox, burst))

        await holds(4)
        await holds(2)


async def test_every_container_of_a_warm_sandbox_has_its_hostname_from_the_start(
    engine: DockerEngine, cluster: Cluster
) -> None:
    async with running(engine, cluster):
        before = warm(cluster)
        sandbox = await run_sandbox(engine, hostname="db-0")
        assert sandbox.id in before

        said = [
            await output(
                engine,
                script(sandbox, "hostname; cat /etc/hostname", name=f"c{n}", hostname="db-0"),
            )
            for n in range(3)
        ]

    assert said == ["db-0\ndb-0\n"] * 3


async def test_after_a_restart_of_the_daemon_the_pool_is_adopted_and_hostnames_are_right(
    engine: DockerEngine, cluster: Cluster
) -> None:
    async with running(engine, cluster):
        sandbox = await run_sandbox(engine, hostname="db-0")
        spec = script(sandbox, "hostname; sleep 100", hostname="db-0")
        created = await engine.create_container(spec)
        await until(lambda: _has_two(cluster))
        before = warm(cluster)

    next_daemon = DockerEngine(cluster, clock=system_clock, pool_size=2)
    try:
        async with running(next_daemon, cluster):
            assert warm(cluster) == before
            await next_daemon.start_container(created)
            again = await output(
                next_daemon, script(sandbox, "hostname", name="late", hostname="db-0")
            )
            first = [line async for _, line in next_daemon.logs(created, LogOptions())]
    finally:
        await next_daemon.close()

    assert first == [b"db-0\n"]
    assert again == "db-0\n"


async def test_a_warm_sandbox_that_died_is_not_given_to_a_pod(
    engine: DockerEngine, cluster: Cluster
) -> None:
    async with running(engine, cluster):
        docker("rm", "--force", *warm(cluster))

        sandbox = await run_sandbox(engine)

        assert inspect(sandbox.id)["State"]["Running"]


async def test_what_an_interrupted_daemon_left_half_made_is_cleared(
    engine: DockerEngine, cluster: Cluster
) -> None:
    sandbox = await run_sandbox(engine)
    image = inspect(sandbox.id)["Config"]["Image"]
    label = f"io.minikube-py.cluster={cluster.name}"
    name = f"mk-pool_{cluster.name}_half"
    labels = ["--label", label, "--label", "io.minikube-py.pool=true"]
    half = docker("create", "--name", name, *labels, image, "/pause")

    async with running(engine, cluster):
        assert half.strip() not in docker("ps", "--all", "--quiet", "--no-trunc")


# -- sandboxes ---------------------------------------------------------------------------------


async def test_a_pods_containers_share_network_ipc_and_if_asked_processes(
    engine: DockerEngine,
) -> None:
    sandbox = await run_sandbox(engine, share_pid=True)
    spec = script(
        sandbox, "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; ps", share_pid=True
    )

    said = await output(engine, spec)

    for kind in ("net", "ipc"):
        assert link(f"/proc/{sandbox.pid}/ns/{kind}") in said
    assert "/pause" in said


async def test_without_sharing_a_container_is_its_own_first_process(engine: DockerEngine) -> None:
    sandbox = await run_sandbox(engine)

    assert await output(engine, script(sandbox, "echo $$")) == "1\n"


async def test_a_pod_on_the_hosts_network_has_the_hosts_name(engine: DockerEngine) -> None:
    sandbox = await run_sandbox(engine, host_network=True)
    spec = script(sandbox, "hostname; readlink /proc/self/ns/net", host_network=True)

    said = (await output(engine, spec)).splitlines()

    host = socket.gethostname()
    assert said == [host, link("/proc/self/ns/net")]
    pod = await engine.observe_pod(sandbox.pod.uid)
    assert pod is not None
    assert pod.sandboxes[0].host_network


async def test_sysctls_hold_in_the_pods_network(engine: DockerEngine) -> None:
    sandbox = await run_sandbox(engine, sysctls={"net.core.somaxconn": "77"})

    said = await output(engine, script(sandbox, "cat /proc/sys/net/core/somaxconn"))

    assert said == "77\n"


# -- containers --------------------------------------------------------------------------------


async def test_a_command_that_does_not_exist_is_a_failed_start_with_its_reason(
    engine: DockerEngine, cluster: Cluster
) -> None:
    sandbox = await run_sandbox(engine)
    spec = script(sandbox, "")
    container = await engine.create_container(
        type(spec)(**{**spec.__dict__, "command": ["/no/such/program"]})
    )

    with pytest.raises(StartFailed, match="/no/such/program"):
        await engine.start_container(container)

    pod = await engine.observe_pod(sandbox.pod.uid)
    assert pod is not None
    assert pod.containers[0].state == "created"
    assert "/no/such/program" in pod.containers[0].error


async def test_a_failed_start_in_a_warm_sandbox_keeps_its_reason(
    engine: DockerEngine, cluster: Cluster
) -> None:
    async with running(engine, cluster):
        sandbox = await run_sandbox(engine)
        spec = script(sandbox, "")
        container = await engine.create_container(
            type(spec)(**{**spec.__dict__, "command": ["/no/such/program"]})
        )

        async with asyncio.timeout(5):
            with pytest.raises(StartFailed, match="/no/such/program"):
                await engine.start_container(container)


async def test_mounts_users_and_rights_are_as_told(engine: DockerEngine, tmp_path: Path) -> None:
    shared = shared_folder(tmp_path, note="from the host\n")
    sandbox = await run_sandbox(engine)
    spec = script(
        sandbox,
        "cat /data/note; id -u; id -g; touch /data/new 2>/dev/null || echo read-only;"
        "touch /file 2>/dev/null || echo read-only root; grep NoNewPrivs /proc/self/status;"
        "grep -c /scratch /proc/mounts",
        mounts=[Mount(shared, "/data", read_only=True)],
        tmpfs={"/scratch": "size=1m"},
        security=Security(
            user="1000:2000",
            read_only_root=True,
            no_new_privileges=True,
            drop_capabilities=["ALL"],
        ),
    )

    said = (await output(engine, spec)).splitlines()

    assert said[:5] == ["from the host", "1000", "2000", "read-only", "read-only root"]
    assert said[5].split() == ["NoNewPrivs:", "1"]
    assert said[6] == "1"


async def test_a_volume_keeps_what_a_container_wrote(
    engine: DockerEngine, cluster: Cluster
) -> None:
    name = cluster.volume("data")
    folder = await engine.create_volume(name, {})
    sandbox = await run_sandbox(engine)

    mounts = [Mount(name, "/data", is_volume=True)]
    await output(engine, script(sandbox, "echo kept > /data/file", mounts=mounts))

    assert (Path(folder) / "file").read_text() == "kept\n"


async def test_limits_logging_and_health_checks_are_the_kubelets(engine: DockerEngine) -> None:
    sandbox = await run_sandbox(engine)
    resources = Resources(cpu_shares=256, cpu_quota_us=50_000, memory_bytes=32 << 20)
    container = await engine.create_container(script(sandbox, "true", resources=resources))

    host = inspect(container)["HostConfig"]

    assert (host["CpuShares"], host["CpuQuota"], host["CpuPeriod"]) == (256, 50_000, 100_000)
    assert host["Memory"] == host["MemorySwap"] == 32 << 20
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "5"}
    assert host["RestartPolicy"]["Name"] in ("", "no")


async def test_what_is_killed_for_memory_says_so(engine: DockerEngine) -> None:
    sandbox = await run_sandbox(engine)
    container = await engine.create_container(
        script(sandbox, "tail /dev/zero", resources=Resources(memory_bytes=16 << 20))
    )
    await engine.start_container(container)

    async def has_ended() -> bool:
        pod = await engine.observe_pod(sandbox.pod.uid)
        assert pod is not None
        return pod.containers[0].state == "exited"

    await until(has_ended)
    pod = await engine.observe_pod(sandbox.pod.uid)
    assert pod is not None
    assert pod.containers[0].oom_killed


# -- logs and processes ------------------------------------------------------------------------


async def test_nothing_of_a_fast_writer_is_lost_while_following(engine: DockerEngine) -> None:
    sandbox = await run_sandbox(engine)

    said = await output(engine, script(sandbox, "seq 200000"))

    assert said == "".join(f"{n}\n" for n in range(1, 200_001))


async def test_a_line_longer_than_the_engines_pieces_stays_one(engine: DockerEngine) -> None:
    sandbox = await run_sandbox(engine)
    container = await engine.create_container(
        script(sandbox, "head -c 100000 /dev/zero | tr '\\0' x; echo; echo end")
    )
    await engine.start_container(container)

    options = LogOptions(follow=True, timestamps=True)
    lines = [line async for _, line in engine.logs(container, options)]

    texts = [line.split(b" ", 1)[1] for line in lines]
    assert texts == [b"x" * 100_000 + b"\n", b"end\n"]


async def test_a_probe_that_is_given_up_leaves_no_process(engine: DockerEngine) -> None:
    sandbox = await run_sandbox(engine)
    container = await engine.create_container(script(sandbox, "sleep 100"))
    await engine.start_container(container)

    with pytest.raises(TimeoutError):
        await engine.exec_sync(container, ["sleep", "55"], timeout_seconds=0.3)

    async def is_gone() -> bool:
        return "sleep 55" not in docker("top", container)

    await until(is_gone)


async def test_a_terminal_has_the_size_it_was_given(engine: DockerEngine) -> None:
    sandbox = await run_sandbox(engine)
    container = await engine.create_container(script(sandbox, "sleep 100"))
    await engine.start_container(container)

    session = await engine.exec(container, ["sh", "-c", "read _; stty size"], stdin=True, tty=True)
    await session.resize(100, 40)
    await session.write(b"\n")
    said = b""
    while (piece := await session.read()) is not None:
        said += piece[1]
    await session.close()

    assert b"40 100" in said


async def test_many_long_stops_leave_the_engine_free_for_others(engine: DockerEngine) -> None:
    sandbox = await run_sandbox(engine)
    stubborn = [
        await engine.create_container(script(sandbox, "trap '' TERM; sleep 100", name=f"c{n}"))
        for n in range(6)
    ]
    for container in stubborn:
        await engine.start_container(container)

    async with asyncio.TaskGroup() as group:
        for container in stubborn:
            group.create_task(engine.stop_container(container, grace_seconds=2))
        await asyncio.sleep(0.3)
        async with asyncio.timeout(1.5):
            await engine.list_pods()


# -- the cluster -------------------------------------------------------------------------------


async def test_the_network_is_made_once_and_another_one_is_refused(
    engine: DockerEngine, cluster: Cluster
) -> None:
    ranges = {
        "subnet": "192.168.177.0/24",
        "gateway": "192.168.177.1",
        "engine_range": "192.168.177.240/28",
    }
    await engine.ensure_network(cluster.network, bridge=cluster.bridge, **ranges)
    await engine.ensure_network(cluster.network, bridge=cluster.bridge, **ranges)

    assert exists(cluster.bridge)
    with pytest.raises(RuntimeFailure, match="Gateway is"):
        await engine.ensure_network(
            cluster.network, bridge=cluster.bridge, **{**ranges, "gateway": "192.168.177.2"}
        )
    await engine.remove_everything(volumes=False)
    assert not exists(cluster.bridge)


async def test_removing_everything_takes_the_pool_too_and_leaves_other_clusters_alone(
    engine: DockerEngine, cluster: Cluster
) -> None:
    other = DockerEngine(Cluster(f"{cluster.name}-b"), clock=system_clock, pool_size=0)
    kept = await run_sandbox(other)
    try:
        async with running(engine, cluster):
            await run_sandbox(engine)
        await engine.create_volume(cluster.volume("data"), {})

        await engine.remove_everything(volumes=True)

        label = f"label=io.minikube-py.cluster={cluster.name}"
        assert docker("ps", "--all", "--quiet", "--filter", label) == ""
        assert docker("volume", "ls", "--quiet", "--filter", label) == ""
        assert inspect(kept.id)["State"]["Running"]
    finally:
        await other.remove_everything(volumes=True)
        await other.close()


async def test_an_engine_that_does_not_run_is_named_with_what_to_do(tmp_path: Path) -> None:
    engine = DockerEngine(
        Cluster("t-none"), clock=system_clock, base_url=f"unix://{tmp_path}/docker.sock"
    )

    with pytest.raises(RuntimeUnavailable, match="start it"):
        await engine.ping()
    await engine.close()


async def test_pulling_without_a_registry_gives_the_engines_words(engine: DockerEngine) -> None:
    with pytest.raises(RuntimeFailure, match=r"refused|lookup|dial"):
        await engine.pull_image("127.0.0.1:1/no/such:image")


async def _has_two(cluster: Cluster) -> bool:
    return len(warm(cluster)) == 2
