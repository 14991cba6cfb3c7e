"""[sig-node] Pods."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.conformance.conftest import BUSYBOX, Group, condition, is_ready
from tests.e2e.conftest import eventually

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]

STAY = "trap 'exit 0' TERM; sleep 3600 & wait"


def pod(name: str, script: str = STAY, labels: str = "{}") -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {labels}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: app
      image: {BUSYBOX}
      command: [sh, -c, {script!r}]
"""


@pytest.fixture(scope="module")
def made(group: Group) -> Group:
    group.apply(
        pod("submitted", labels="{time: now}"),
        pod("updated", labels="{time: before}"),
        pod("deadlined"),
        pod("server", labels="{name: server}"),
        *(pod(f"collected-{index}", labels="{type: Testing}") for index in range(3)),
        pod("patched"),
        pod("lived", labels="{test-pod-static: 'true'}"),
        pod("watched", f"echo container is alive; {STAY}"),
    )
    return group


def test_pods_should_be_submitted_and_removed(made: Group) -> None:
    before = made.ready("submitted")
    listed = made.kubectl("get", "pods", "-l", "time=now", "-o", "name")
    assert listed == "pod/submitted\n"

    made.kubectl("delete", "pod", "submitted", "--wait=false", "--grace-period=1")

    assert before["metadata"]["uid"]
    eventually("gone", lambda: not made.kubectl("get", "pods", "-l", "time=now", "-o", "name"))


def test_pods_should_be_updated(made: Group) -> None:
    made.ready("updated")

    made.kubectl("label", "--overwrite", "pod", "updated", "time=after")

    assert made.kubectl("get", "pods", "-l", "time=after", "-o", "name") == "pod/updated\n"
    assert is_ready(made.pod("updated"))


def test_pods_should_allow_activedeadlineseconds_to_be_updated(made: Group) -> None:
    made.ready("deadlined")

    made.kubectl("patch", "pod", "deadlined", "-p", '{"spec": {"activeDeadlineSeconds": 1}}')

    found = made.phase("deadlined", "Failed")
    assert found["status"]["reason"] == "DeadlineExceeded"
    assert "DeadlineExceeded" in [event["reason"] for event in made.events("deadlined")]


def test_pods_should_contain_environment_variables_for_services(made: Group) -> None:
    made.ready("server")
    made.kubectl("create", "service", "clusterip", "fooservice", "--tcp=8765:8080")
    address = made.cluster.get("service", "fooservice", "-n", made.namespace)["spec"]["clusterIP"]

    made.apply(pod("client", "env"))
    eventually("the variables", lambda: "FOOSERVICE_PORT=" in made.logs("client"))

    shown = made.logs("client").splitlines()
    assert f"FOOSERVICE_SERVICE_HOST={address}" in shown
    assert "FOOSERVICE_SERVICE_PORT=8765" in shown
    assert f"FOOSERVICE_PORT=tcp://{address}:8765" in shown
    assert f"FOOSERVICE_PORT_8765_TCP=tcp://{address}:8765" in shown
    assert f"FOOSERVICE_PORT_8765_TCP_ADDR={address}" in shown


def test_pods_should_delete_a_collection_of_pods(made: Group) -> None:
    for index in range(3):
        made.ready(f"collected-{index}")

    made.kubectl("delete", "pods", "-l", "type=Testing", "--wait=false")

    eventually("gone", lambda: not made.kubectl("get", "pods", "-l", "type=Testing", "-o", "name"))


def test_pods_should_get_a_host_ip(made: Group) -> None:
    found = made.ready("server")

    assert found["status"]["hostIP"]
    assert found["status"]["hostIPs"] == [{"ip": found["status"]["hostIP"]}]


def test_pods_should_patch_a_pod_status(made: Group) -> None:
    made.ready("patched")
    patch = {"status": {"message": "Patched by e2e test", "reason": "E2E"}}

    made.kubectl("patch", "pod", "patched", "--subresource=status", "-p", json.dumps(patch))

    status = made.pod("patched")["status"]
    assert (status["message"], status["reason"]) == ("Patched by e2e test", "E2E")


def test_pods_should_run_through_the_lifecycle_of_pods_and_podstatus(made: Group) -> None:
    made.ready("lived")
    patch = {"metadata": {"labels": {"test-pod": "patched"}}}
    made.kubectl("patch", "pod", "lived", "-p", json.dumps(patch))
    gate = {"type": "example.com/gate", "status": "True"}
    made.kubectl(
        "patch", "pod", "lived", "--subresource=status", "-p",
        json.dumps({"status": {"conditions": [gate]}}),
    )  # fmt: skip

    found = made.until("lived", is_ready, "ready still")

    assert found["metadata"]["labels"]["test-pod"] == "patched"
    assert condition(found, "example.com/gate")["status"] == "True"
    for type_ in ("PodScheduled", "Initialized", "ContainersReady", "PodReadyToStartContainers"):
        datetime.fromisoformat(condition(found, type_)["lastTransitionTime"].replace("Z", "+00:00"))
    made.kubectl("delete", "pods", "-l", "test-pod-static=true")
    assert "NotFound" in made.kubectl("get", "pod", "lived", code=1)


# -- over websockets -------------------------------------------------------------------------------


def user(group: Group, folder: Path) -> tuple[str, ssl.SSLContext]:
    """The API's address and who asks, from `mk kubeconfig`."""
    shown = group.cluster.kubectl("config", "view", "--raw", "--flatten", "--minify")
    config: dict[str, Any] = yaml.safe_load(shown)
    own, server = config["users"][0]["user"], config["clusters"][0]["cluster"]
    paths = {}
    for name, text in {
        "ca": server["certificate-authority-data"],
        "certificate": own["client-certificate-data"],
        "key": own["client-key-data"],
    }.items():
        paths[name] = folder / name
        paths[name].write_bytes(base64.b64decode(text))
    context = ssl.create_default_context(cafile=str(paths["ca"]))
    context.load_cert_chain(paths["certificate"], paths["key"])
    return str(server["server"]), context


@asynccontextmanager
async def websocket(
    group: Group, folder: Path, path: str, protocol: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    server, context = user(group, folder)
    url = f"{server}/api/v1/namespaces/{group.namespace}/pods/watched/{path}"
    connector = aiohttp.TCPConnector(ssl=context)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect(url, protocols=[protocol]) as socket,
    ):
        yield socket


async def test_pods_should_support_remote_command_execution_over_websockets(
    made: Group, tmp_path: Path
) -> None:
    await asyncio.to_thread(made.ready, "watched")
    path = "exec?container=app&stdout=1&stderr=1&command=echo&command=remote+execution+test"

    async with websocket(made, tmp_path, path, "v4.channel.k8s.io") as socket:
        messages = [bytes(message.data) async for message in socket]

    said = b"".join(message[1:] for message in messages if message[0] == 1)
    assert said == b"remote execution test\n"


async def test_pods_should_support_retrieving_logs_from_the_container_over_websockets(
    made: Group, tmp_path: Path
) -> None:
    await asyncio.to_thread(made.ready, "watched")

    async with websocket(made, tmp_path, "log?container=app", "binary.k8s.io") as socket:
        messages = [bytes(message.data) async for message in socket]

    assert b"".join(messages) == b"container is alive\n"
