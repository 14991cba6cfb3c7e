"""The kubelet as a whole, on the simulated runtime."""

import asyncio
import base64
from pathlib import Path

import pytest

from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    LEASE,
    NODE,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SECRET,
)
from minikube_py.meta import encoding
from minikube_py.meta.objects import Object, find_condition, get_path
from minikube_py.network.pod_network import PaperPodNetwork
from minikube_py.resources.options import DeleteOptions
from tests.kubelet.conftest import World, container, is_ready, sleeper, state_of

QUICK = {"mk.dev/restart-backoff": "50ms"}


async def test_the_node_is_registered_ready_and_keeps_a_lease(paper_world: World) -> None:
    await paper_world.pod("web", containers=[sleeper()])
    await paper_world.ready("web")

    node = paper_world.resources.get(NODE, None, "node-1")
    lease = paper_world.resources.get(LEASE, "kube-node-lease", "node-1")

    assert (find_condition(node, "Ready") or {})["status"] == "True"
    assert node["status"]["capacity"]["pods"] == "110"
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "node-1"
    assert lease["spec"]["holderIdentity"] == "node-1"
    assert lease["metadata"]["ownerReferences"][0]["uid"] == node["metadata"]["uid"]


async def test_a_pod_that_ends_well_succeeds_and_keeps_its_containers(paper_world: World) -> None:
    await paper_world.pod("job", restartPolicy="Never", containers=[container("app", "echo", "hi")])
    pod = await paper_world.phase("job", "Succeeded")
    uid = pod["metadata"]["uid"]
    await paper_world.eventually(lambda: paper_world.network.address_of(uid) is None, "released")

    observed = await paper_world.runtime.observe_pod(uid)
    assert observed is not None
    assert len(observed.containers) == 1
    assert state_of(pod)["state"]["terminated"]["reason"] == "Completed"


async def test_a_pod_that_fails_says_why(paper_world: World) -> None:
    script = "echo no database > /dev/termination-log; exit 3"
    await paper_world.pod(
        "job", restartPolicy="Never", containers=[container("app", "sh", "-c", script)]
    )

    pod = await paper_world.phase("job", "Failed")

    assert state_of(pod)["state"]["terminated"]["exitCode"] == 3


async def test_messages_fall_back_to_the_log(paper_world: World) -> None:
    await paper_world.pod(
        "job",
        restartPolicy="Never",
        containers=[
            container(
                "app",
                "sh",
                "-c",
                "echo boom; exit 1",
                terminationMessagePolicy="FallbackToLogsOnError",
            )
        ],
    )

    pod = await paper_world.phase("job", "Failed")

    assert state_of(pod)["state"]["terminated"]["message"] == "boom\n"


async def test_a_crashing_container_backs_off(paper_world: World) -> None:
    await paper_world.pod("web", containers=[container("app", "false")])

    entry = await paper_world.waiting("web", "CrashLoopBackOff")

    assert entry["restartCount"] == 1
    assert entry["lastState"]["terminated"]["exitCode"] == 1
    assert "BackOff" in await paper_world.told("web", "BackOff")


async def test_restart_counts_only_grow_over_restarts_of_the_daemon(paper_world: World) -> None:
    await paper_world.pod("web", annotations=QUICK, containers=[container("app", "false")])
    await paper_world.until("web", lambda pod: state_of(pod).get("restartCount", 0) >= 2, "twice")

    await paper_world.stop_kubelet()
    before = state_of(paper_world.get("web"))["restartCount"]
    paper_world.start_kubelet()
    await paper_world.until(
        "web", lambda pod: state_of(pod)["restartCount"] >= before + 2, "going on"
    )

    assert len(await paper_world.containers("web")) <= 3


async def test_init_containers_run_one_after_the_other(paper_world: World) -> None:
    await paper_world.pod(
        "web",
        initContainers=[container("one", "true"), container("two", "true")],
        containers=[sleeper()],
    )
    pod = await paper_world.ready("web")
    await paper_world.eventually(
        lambda: "Started container app" in dict(paper_world.events("web")).values(), "started"
    )

    created = [m.rsplit(" ", 1)[-1] for r, m in paper_world.events("web") if r == "Started"]

    assert created == ["one", "two", "app"]
    assert (find_condition(pod, "Initialized") or {})["status"] == "True"


async def test_sidecars_start_first_and_stop_last(paper_world: World) -> None:
    await paper_world.pod(
        "web",
        restartPolicy="Never",
        initContainers=[sleeper("proxy", restartPolicy="Always")],
        containers=[container("app", "sleep", "0.2")],
    )

    pod = await paper_world.phase("web", "Succeeded")

    await paper_world.told("web", "Killing")
    assert [m for r, m in paper_world.events("web") if r == "Killing"] == [
        "Stopping container proxy"
    ]
    assert "terminated" in pod["status"]["initContainerStatuses"][0]["state"]


async def test_an_image_that_cannot_be_had_is_told_and_backs_off(paper_world: World) -> None:
    await paper_world.pod("web", containers=[container(image="missing:1")])

    entry = await paper_world.waiting("web", "ImagePullBackOff")

    assert "manifest for missing:1 not found" in entry["state"]["waiting"]["message"]
    assert (await paper_world.told("web", "Failed"))[:2] == ["Pulling", "Failed"]


async def test_an_image_that_may_not_be_pulled_is_refused(paper_world: World) -> None:
    await paper_world.pod("web", containers=[container(image="missing:1", imagePullPolicy="Never")])

    await paper_world.waiting("web", "ErrImageNeverPull")


async def test_one_bad_image_keeps_no_sibling_from_running(paper_world: World) -> None:
    await paper_world.pod("web", containers=[container(image="missing:1"), sleeper("good")])

    pod = await paper_world.until(
        "web", lambda pod: "running" in state_of(pod, "good").get("state", {}), "running"
    )

    assert pod["status"]["phase"] == "Pending"


async def test_a_missing_config_map_is_named_and_waited_for(paper_world: World) -> None:
    source = {"configMapKeyRef": {"name": "settings", "key": "A"}}
    await paper_world.pod("web", containers=[sleeper(env=[{"name": "A", "valueFrom": source}])])
    entry = await paper_world.waiting("web", "CreateContainerConfigError")

    await paper_world.create(CONFIG_MAP, "settings", data={"A": "1"})
    await paper_world.ready("web", seconds=1)

    assert entry["state"]["waiting"]["message"] == 'configmap "settings" not found'
    assert await paper_world.exec("web", "app", "printenv", "A") == "1\n"


async def test_a_missing_volume_source_is_told_and_waited_for(paper_world: World) -> None:
    await paper_world.pod(
        "web",
        volumes=[{"name": "login", "secret": {"secretName": "login"}}],
        containers=[sleeper(volumeMounts=[{"name": "login", "mountPath": "/login"}])],
    )
    await paper_world.waiting("web", "ContainerCreating")
    await paper_world.told("web", "FailedMount")

    data = {"password": base64.b64encode(b"s3cr3t").decode()}
    await paper_world.create(SECRET, "login", data=data)
    await paper_world.ready("web", seconds=1)

    assert await paper_world.exec("web", "app", "cat", "/login/password") == "s3cr3t"


async def test_a_volume_that_is_not_supported_is_refused_by_name(paper_world: World) -> None:
    await paper_world.pod(
        "web",
        volumes=[{"name": "disk", "csi": {"driver": "x.example"}}],
        containers=[sleeper(volumeMounts=[{"name": "disk", "mountPath": "/disk"}])],
    )

    entry = await paper_world.waiting("web", "CreateContainerConfigError")

    assert entry["state"]["waiting"]["message"] == 'volume "disk": source csi is not supported'


async def test_a_claim_is_waited_for_until_it_is_bound(paper_world: World) -> None:
    await paper_world.pod(
        "db",
        volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        containers=[sleeper(volumeMounts=[{"name": "data", "mountPath": "/data"}])],
    )
    await paper_world.waiting("db", "ContainerCreating")

    room = {"accessModes": ["ReadWriteOnce"]}
    spec = {**room, "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/srv/data"}}
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"}}
    await paper_world.resources.create(PERSISTENT_VOLUME, None, {**volume, "spec": spec})
    asked = {**room, "volumeName": "pv", "resources": {"requests": {"storage": "1Gi"}}}
    await paper_world.create(PERSISTENT_VOLUME_CLAIM, "data", spec=asked)

    def bind(claim: Object) -> None:
        claim["status"] = {"phase": "Bound"}

    await paper_world.resources.update_status(PERSISTENT_VOLUME_CLAIM, "default", "data", bind)

    await paper_world.ready("db", seconds=1)


async def test_a_deleted_pod_stops_in_its_grace_and_leaves_nothing(paper_world: World) -> None:
    pod = await paper_world.pod("web", containers=[sleeper()])
    await paper_world.ready("web")

    await paper_world.delete("web")
    await paper_world.gone("web")

    assert await paper_world.runtime.list_pods() == []
    assert not (paper_world.data_dir / "pods" / pod["metadata"]["uid"]).exists()
    await paper_world.told("web", "Killing")


@pytest.mark.parametrize(
    ("command", "phase"),
    [
        pytest.param([], "Succeeded", id="server"),
        pytest.param(["sh", "-c", "trap 'exit 7' TERM; sleep 1d"], "Failed", id="fails-to-stop"),
    ],
)
async def test_a_deleted_pod_fails_only_if_its_container_does(
    paper_world: World, command: list[str], phase: str
) -> None:
    """As on a real node: how the containers ended is how the Pod ended, who ever stopped them."""
    await paper_world.pod("web", containers=[container("app", *command)])
    await paper_world.ready("web")
    store = paper_world.resources.store
    watch = store.watch("/registry/core/pods/default/web", store.revision)

    await paper_world.delete("web")
    await paper_world.gone("web")

    events = await watch.next_batch()
    watch.close()
    phases = [encoding.decode(event.value)["status"]["phase"] for event in events]
    assert list(dict.fromkeys(phases)) == ["Running", phase]


class _BusyNetwork(PaperPodNetwork):
    """Services send to the pod until `forgotten` is set."""

    def __init__(self) -> None:
        super().__init__(pod_cidr="10.244.0.0/16", gateway="10.244.0.1")
        self.asked = asyncio.Event()
        self.forgotten = asyncio.Event()

    async def drained(self, pod_uid: str) -> None:
        self.asked.set()
        await self.forgotten.wait()


async def test_a_pod_is_told_to_stop_once_no_service_sends_to_it(paper_world: World) -> None:
    await paper_world.stop_kubelet()
    paper_world.network = network = _BusyNetwork()
    paper_world.start_kubelet()
    await paper_world.pod("web", terminationGracePeriodSeconds=30, containers=[sleeper()])
    await paper_world.ready("web")

    await paper_world.delete("web")
    await asyncio.wait_for(network.asked.wait(), 5)
    before = await paper_world.runtime.list_pods()
    network.forgotten.set()
    await paper_world.gone("web")

    assert [one.state for one in before[0].containers] == ["running"]


async def test_services_that_never_forget_a_pod_can_not_keep_it(paper_world: World) -> None:
    await paper_world.stop_kubelet()
    paper_world.network = _BusyNetwork()
    paper_world.start_kubelet()
    await paper_world.pod("web", terminationGracePeriodSeconds=1, containers=[sleeper()])
    await paper_world.ready("web")

    await paper_world.delete("web")

    await paper_world.gone("web", seconds=3)


async def test_a_stubborn_container_is_killed_when_its_grace_is_over(paper_world: World) -> None:
    script = "trap '' TERM; while true; do sleep 1; done"
    await paper_world.pod("web", containers=[container("app", "sh", "-c", script)])
    await paper_world.ready("web")

    await paper_world.delete("web")

    await paper_world.gone("web", seconds=5)


async def test_a_shorter_grace_takes_effect_at_once(paper_world: World) -> None:
    script = "trap '' TERM; while true; do sleep 1; done"
    await paper_world.pod(
        "web",
        terminationGracePeriodSeconds=600,
        containers=[container("app", "sh", "-c", script)],
    )
    await paper_world.ready("web")

    await paper_world.delete("web")
    await paper_world.resources.delete(POD, "default", "web", DeleteOptions(grace_period_seconds=1))

    await paper_world.gone("web", seconds=5)


async def test_a_pod_removed_by_force_leaves_no_container(paper_world: World) -> None:
    await paper_world.pod("web", containers=[sleeper()])
    await paper_world.ready("web")

    await paper_world.resources.delete(POD, "default", "web", DeleteOptions(grace_period_seconds=0))

    await paper_world.nothing_left()


async def test_pods_deleted_while_the_daemon_was_away_are_cleaned_up(paper_world: World) -> None:
    pod = await paper_world.pod("web", containers=[sleeper()])
    await paper_world.ready("web")
    await paper_world.stop_kubelet()

    await paper_world.resources.delete(POD, "default", "web", DeleteOptions(grace_period_seconds=0))
    leftovers = paper_world.data_dir / "pods" / "some-other-uid" / "volumes"
    leftovers.mkdir(parents=True)
    await paper_world.network.attach("ghost", 1)
    paper_world.start_kubelet()

    await paper_world.nothing_left()
    assert paper_world.network.address_of(pod["metadata"]["uid"]) is None
    assert paper_world.network.pod_uids() == set()


async def test_a_container_that_ended_while_the_daemon_was_away_is_restarted(
    paper_world: World,
) -> None:
    await paper_world.pod("web", containers=[sleeper(), sleeper("other")])
    await paper_world.ready("web")
    before = {c.name: c.id for c in await paper_world.containers("web")}
    await paper_world.stop_kubelet()

    await paper_world.runtime.stop_container(before["app"], grace_seconds=0)
    paper_world.start_kubelet()
    pod = await paper_world.until(
        "web", lambda pod: state_of(pod)["restartCount"] == 1 and is_ready(pod), "restarted"
    )

    assert state_of(pod, "other")["containerID"].endswith(before["other"])


async def test_a_container_removed_by_hand_comes_back(paper_world: World) -> None:
    await paper_world.pod("web", containers=[sleeper()])
    await paper_world.ready("web")
    [found] = await paper_world.containers("web")

    await paper_world.runtime.remove_container(found.id)
    pod = await paper_world.until(
        "web", lambda pod: state_of(pod)["restartCount"] == 1 and is_ready(pod), "back"
    )

    assert get_path(state_of(pod), "lastState", "terminated", "exitCode") == 137


async def test_a_failing_liveness_probe_restarts_the_container(paper_world: World) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 1}
    await paper_world.pod("web", annotations=QUICK, containers=[sleeper(livenessProbe=probe)])

    await paper_world.until("web", lambda pod: state_of(pod).get("restartCount", 0) >= 1, "restart")

    assert {"Unhealthy", "Killing"} <= set(await paper_world.told("web", "Killing"))


async def test_a_failing_post_start_hook_kills_the_container(paper_world: World) -> None:
    hook = {"postStart": {"exec": {"command": ["false"]}}}
    await paper_world.pod("web", annotations=QUICK, containers=[sleeper(lifecycle=hook)])

    await paper_world.until("web", lambda pod: state_of(pod).get("restartCount", 0) >= 1, "restart")

    await paper_world.told("web", "FailedPostStartHook")


async def test_hooks_run_around_a_containers_life(paper_world: World) -> None:
    hooks = {
        "postStart": {"exec": {"command": ["sleep", "0.05"]}},
        "preStop": {"sleep": {"seconds": 1}},
    }
    await paper_world.pod(
        "web", terminationGracePeriodSeconds=30, containers=[sleeper(lifecycle=hooks), sleeper("b")]
    )
    await paper_world.ready("web")
    loop = asyncio.get_running_loop()

    began = loop.time()
    await paper_world.delete("web")
    await paper_world.gone("web")

    assert 0.9 <= loop.time() - began < 5


async def test_an_active_deadline_fails_the_pod(paper_world: World) -> None:
    await paper_world.pod("web", activeDeadlineSeconds=1, containers=[sleeper()])

    pod = await paper_world.phase("web", "Failed")

    assert pod["status"]["reason"] == "DeadlineExceeded"


async def test_a_new_image_replaces_the_container(paper_world: World) -> None:
    await paper_world.pod("web", containers=[sleeper(), sleeper("other")])
    before = await paper_world.ready("web")

    def change(pod: Object) -> None:
        pod["spec"]["containers"][0]["image"] = "app:2"

    await paper_world.resources.modify(POD, "default", "web", change)
    pod = await paper_world.until(
        "web", lambda pod: state_of(pod)["restartCount"] == 1 and is_ready(pod), "replaced"
    )

    assert state_of(pod)["image"] == "app:2"
    assert state_of(pod, "other") == state_of(before, "other")


async def test_files_follow_their_sources_atomically(paper_world: World) -> None:
    await paper_world.create(CONFIG_MAP, "settings", data={"a": "1", "old": "x"})
    pod = await paper_world.pod(
        "web",
        volumes=[{"name": "settings", "configMap": {"name": "settings"}}],
        containers=[sleeper(volumeMounts=[{"name": "settings", "mountPath": "/s"}])],
    )
    await paper_world.ready("web")
    folder = paper_world.data_dir / "pods" / pod["metadata"]["uid"] / "volumes" / "settings"
    before = (folder / "..data").readlink()

    def change(obj: Object) -> None:
        obj["data"] = {"a": "2", "new": "y"}

    await paper_world.resources.modify(CONFIG_MAP, "default", "settings", change)
    await paper_world.eventually(
        lambda: (folder / "..data").readlink() != before, "written", seconds=1
    )

    assert sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("..")) == [
        "a",
        "new",
    ]
    assert (folder / "a").read_text() == "2"
    assert (folder / "a").readlink() == Path("..data/a")


@pytest.mark.parametrize("replicas", [20])
async def test_many_pods_start_side_by_side(paper_world: World, replicas: int) -> None:
    for number in range(replicas):
        await paper_world.pod(f"web-{number}", containers=[sleeper()])
    for number in range(replicas):
        await paper_world.ready(f"web-{number}")

    ips = {paper_world.get(f"web-{number}")["status"]["podIP"] for number in range(replicas)}

    assert len(ips) == replicas
