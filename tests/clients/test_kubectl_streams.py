"""kubectl's streams into real containers: exec, attach, cp, port-forward, proxy, logs, debug, top.

1.20 speaks SPDY, 1.32 WebSocket for exec, the newest WebSocket for all.
"""

import hashlib
import http.client
import os
import re
import secrets
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.conftest import NEWEST, OLD, USUAL, Kubectl
from tests.clients.terminal import terminal
from tests.e2e.conftest import BUSYBOX, NGINX, RunningCluster, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

PODS = f"""
apiVersion: v1
kind: Pod
metadata: {{name: box}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {{name: shell, image: {BUSYBOX}, command: [sh], stdin: true, tty: true}}
    - name: talker
      image: {BUSYBOX}
      command: [sh, -c, "echo one; echo two; echo wrong >&2; echo four; sleep 3600"]
---
apiVersion: v1
kind: Pod
metadata: {{name: again}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {{name: c, image: {BUSYBOX}, command: [sh, -c, "echo life $RANDOM; sleep 1; exit 1"]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web, labels: {{app: web}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {{name: nginx, image: {NGINX}, ports: [{{name: http, containerPort: 80}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{name: http, port: 8080, targetPort: http}}]}}
"""


@pytest.fixture(scope="module")
def streams_namespace(real: RunningCluster) -> Iterator[str]:
    name = f"n-{secrets.token_hex(3)}"
    kubectl = Kubectl(USUAL, real, name)
    kubectl("create", "namespace", name)
    kubectl.apply(PODS)
    kubectl("wait", "--for=condition=Ready", "pod/box", "pod/web", "--timeout=60s")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(params=[OLD, USUAL, NEWEST])
def kubectl(
    request: pytest.FixtureRequest, real: RunningCluster, streams_namespace: str
) -> Kubectl:
    return Kubectl(request.param, real, streams_namespace)


def test_exec_keeps_outputs_apart_and_gives_the_exit_code(kubectl: Kubectl) -> None:
    command = kubectl.command("exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    done = subprocess.run(
        command, env={**os.environ, **kubectl.env}, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (7, "out\n")
    assert "err" in done.stderr.splitlines()


def test_much_goes_in_and_comes_out_of_a_process(kubectl: Kubectl) -> None:
    text = secrets.token_hex(1_000_000)

    out = kubectl("exec", "-i", "web", "--", "md5sum", stdin=text)
    echoed = kubectl("exec", "-i", "web", "--", "cat", stdin=text)

    assert out.split()[0] == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert echoed == text


def test_a_terminal_of_exec_has_the_size_of_its_window(kubectl: Kubectl) -> None:
    with terminal(
        kubectl.command("exec", "-it", "box", "-c", "talker", "--", "sh"), kubectl.env
    ) as t:
        t.ask("stty size", "33 77")
        t.resize((44, 99))
        t.ask("stty size", "44 99")
        t.type("exit 5\n")

        assert t.wait() == 5


def test_attaching_talks_to_the_main_process(kubectl: Kubectl) -> None:
    with terminal(kubectl.command("attach", "-it", "box", "-c", "shell"), kubectl.env) as t:
        t.ask("echo sum $((40+2))", "sum 42")
        t.ask("stty size", "33 77")
        t.resize((21, 66))
        t.ask("stty size", "21 66")


def test_files_are_copied_both_ways(kubectl: Kubectl, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    big = secrets.token_bytes(5_000_000)
    (tree / "big").write_bytes(big)
    (tree / "deep" / "er" / "small file").write_text("text")
    place = f"/tmp/{secrets.token_hex(3)}"

    kubectl("cp", str(tree), f"web:{place}")
    kubectl("cp", f"web:{place}", str(tmp_path / "back"))

    assert (tmp_path / "back" / "big").read_bytes() == big
    assert (tmp_path / "back" / "deep" / "er" / "small file").read_text() == "text"


@contextmanager
def started(kubectl: Kubectl, *words: str, says: str) -> Iterator[re.Match[str]]:
    """A command that goes on, once it has said so."""
    process = kubectl.start(*words)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.search(says, line)
        assert found, line
        yield found
    finally:
        process.kill()
        process.communicate()


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("target", ["pod/web", "service/web"])
def test_ports_are_forwarded_for_many_at_once(kubectl: Kubectl, target: str) -> None:
    port = "80" if target.startswith("pod") else "8080"
    with (
        started(kubectl, "port-forward", target, f":{port}", says=r"127\.0\.0\.1:(\d+)") as found,
        ThreadPoolExecutor(8) as many,
    ):
        url = f"http://127.0.0.1:{found[1]}/"
        answers = list(many.map(fetch, [url] * 24))

    assert {code for code, _ in answers} == {200}
    assert all("Welcome to nginx" in body for _, body in answers)


def test_a_port_where_nobody_listens_ends_the_connection(kubectl: Kubectl) -> None:
    process = kubectl.start("port-forward", "pod/web", ":81")
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline().split(" -> ")[0].rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            try:
                answer = connection.recv(100)
            except ConnectionResetError:
                answer = b""
        said = "".join(process.stdout.readline() for _ in range(3))
    finally:
        process.kill()
        process.communicate()

    assert answer == b""
    assert "81" in said


def test_pods_and_services_are_reached_through_kubectl_proxy(kubectl: Kubectl) -> None:
    with started(kubectl, "proxy", "--port", "0", says=r"127\.0\.0\.1:(\d+)") as found:
        base = f"http://127.0.0.1:{found[1]}/api/v1/namespaces/{kubectl.namespace}"
        pages = [
            fetch(f"{base}/{path}")
            for path in ("pods/web/proxy", "pods/http:web:80/proxy/", "services/web:http/proxy/")
        ]
        missing = fetch(f"{base}/services/web:8080/proxy/none")
        nowhere = fetch(f"{base}/services/web:9/proxy/")

    assert all(code == 200 and "Welcome to nginx" in body for code, body in pages)
    assert missing[0] == 404
    assert nowhere[0] == 503


def test_kubectl_proxy_listens_on_a_socket_file(kubectl: Kubectl, tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    with started(kubectl, "proxy", f"--unix-socket={path}", says="Starting to serve"):
        connection = http.client.HTTPConnection("localhost", timeout=20)
        connection.sock = eventually("the socket", lambda: _connected(path))
        connection.request("GET", f"/api/v1/namespaces/{kubectl.namespace}/pods/web/proxy/")
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()

    assert (answer.status, "Welcome to nginx" in body) == (200, True)


def _connected(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    try:
        made.connect(str(path))
    except OSError:
        made.close()
        raise
    return made


def test_logs_are_cut_as_asked(kubectl: Kubectl) -> None:
    def log(*options: str) -> list[str]:
        return kubectl("logs", "box", "-c", "talker", *options).splitlines()

    assert sorted(log()) == ["four", "one", "two", "wrong"]
    assert len(log("--tail=2")) == 2
    assert log("--since-time=2099-01-01T00:00:00Z") == []
    assert len(kubectl("logs", "box", "-c", "talker", "--limit-bytes=6")) == 6
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z one"
    assert any(re.fullmatch(stamp, line) for line in log("--timestamps"))


def test_one_stream_of_a_log_can_be_read_alone(kubectl: Kubectl) -> None:
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/box/log?container=talker"

    assert kubectl("get", "--raw", f"{path}&stream=Stderr") == "wrong\n"
    assert kubectl("get", "--raw", f"{path}&stream=Stdout") == "one\ntwo\nfour\n"
    assert "mutually exclusive" in kubectl(
        "get", "--raw", f"{path}&stream=Stdout&tailLines=1", code=1
    )


def test_the_container_before_has_its_log(kubectl: Kubectl) -> None:
    eventually(
        "a restart",
        lambda: kubectl.get("pod", "again")["status"]["containerStatuses"][0]["restartCount"],
    )

    assert kubectl("logs", "again", "--previous").startswith("life ")


def test_usage_is_shown(kubectl: Kubectl) -> None:
    nodes = kubectl("top", "node", "--no-headers").split()
    rows = kubectl("top", "pod", "box", "--containers", "--no-headers").splitlines()

    assert re.fullmatch(r"\d+m", nodes[1])
    assert sorted(row.split()[1] for row in rows) == ["shell", "talker"]
    assert all(re.search(r"\d+m\s+\d+Mi", row) for row in rows)


def test_a_copy_of_a_pod_is_debugged(kubectl: Kubectl) -> None:
    name = f"copy-{secrets.token_hex(3)}"
    kubectl("debug", "web", f"--copy-to={name}", f"--image={BUSYBOX}", "--share-processes",
            "--container=dbg", "--", "sleep", "3600")  # fmt: skip
    kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")

    assert "nginx" in kubectl("exec", name, "-c", "dbg", "--", "ps")
    kubectl("delete", "pod", name, "--now")


# 1.20 asks for an alpha form of ephemeral containers that is long gone.
@pytest.mark.parametrize("kubectl", [USUAL, NEWEST], indirect=True)
def test_a_running_pod_is_debugged(kubectl: Kubectl) -> None:
    name = f"d-{secrets.token_hex(3)}"
    options = ("web", f"--image={BUSYBOX}", f"--container={name}", "--target=nginx")
    with terminal(kubectl.command("debug", "-it", *options, "--", "sh"), kubectl.env) as t:
        t.ask("ps | grep -c '[n]ginx: master'", "1")
        t.type("exit\n")
        t.wait()


def test_events_are_told_of_one_object(kubectl: Kubectl) -> None:
    selector = "involvedObject.name=web,reason=Started"
    listed = kubectl("get", "events", f"--field-selector={selector}", "--sort-by=.lastTimestamp")

    assert "Started container nginx" in listed
    if not kubectl.is_old:
        assert "Started container nginx" in kubectl("events", "--for=pod/web", "--types=Normal")
        assert "Started container" not in kubectl("events", "--for=pod/web", "--types=Warning")


def test_nothing_is_left_when_clients_are_killed(kubectl: Kubectl) -> None:
    mark = secrets.token_hex(4)

    def runs() -> bool:
        return mark in kubectl("exec", "web", "--", "sh", "-c", "cat /proc/*/cmdline")

    process = kubectl.start("exec", "-i", "web", "--", "sh", "-c", f"cat; : {mark}")
    eventually("the process", runs)
    process.kill()
    process.communicate()

    eventually("the end of the process, whose input is over", lambda: not runs())
