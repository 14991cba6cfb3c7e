"""Services, DNS and Ingress, asked from Pods and from the host."""

import json
import socket
import ssl
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
from dnslib import DNSRecord
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.e2e.conftest import BUSYBOX, RunningCluster, eventually, run_command

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.root]

ECHO = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: echo}}
spec:
  replicas: 3
  selector: {{matchLabels: {{app: echo}}}}
  template:
    metadata: {{labels: {{app: echo}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: echo
          image: {BUSYBOX}
          command: [sh, -c, "mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www"]
          ports: [{{name: web, containerPort: 8080}}]
          readinessProbe: {{tcpSocket: {{port: web}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: echo-http}}
spec:
  selector: {{app: echo}}
  ports: [{{name: http, port: 80, targetPort: web}}]
---
apiVersion: v1
kind: Service
metadata: {{name: echo-kernel, annotations: {{mk.dev/service-proxy: kernel}}}}
spec:
  type: NodePort
  selector: {{app: echo}}
  ports: [{{name: web, port: 80, targetPort: web}}]
---
apiVersion: v1
kind: Service
metadata: {{name: echo-headless}}
spec:
  clusterIP: None
  selector: {{app: echo}}
  ports: [{{name: web, port: 8080, targetPort: web}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: client}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{{name: client, image: {BUSYBOX}, command: [sleep, "3600"]}}]
"""


MANUAL = """
apiVersion: v1
kind: Service
metadata: {name: by-slice}
spec: {ports: [{name: web, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: by-hand, labels: {kubernetes.io/service-name: by-slice}}
addressType: IPv4
ports: [{name: web, port: 8080, protocol: TCP}]
endpoints: [{addresses: [ADDRESS]}]
---
apiVersion: v1
kind: Service
metadata: {name: by-endpoints}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: by-endpoints}
subsets: [{addresses: [{ip: ADDRESS}], ports: [{port: 8080}]}]
"""


@pytest.fixture(scope="module")
def echo(cluster: RunningCluster) -> str:
    """The namespace of three echoing Pods, their Services and a client; goes with the cluster."""
    cluster.kubectl("create", "namespace", "echo")
    cluster.kubectl("apply", "-n", "echo", "-f", "-", stdin=ECHO)
    cluster.kubectl("rollout", "status", "-n", "echo", "deployment/echo", "--timeout=90s")
    cluster.wait_ready("client", "echo")
    return "echo"


def fetch(address: str, port: int) -> str:
    connection = HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        return answer.read().decode().strip()
    finally:
        connection.close()


def in_client(cluster: RunningCluster, script: str) -> str:
    return cluster.kubectl("exec", "-n", "echo", "client", "--", "sh", "-c", script)


def answering_pods(address: str, port: int) -> Counter[str]:
    return Counter(fetch(address, port) for _ in range(60))


@pytest.mark.parametrize("service", ["echo-http", "echo-kernel"])
def test_a_service_balances_over_its_pods_from_the_host(
    cluster: RunningCluster, echo: str, service: str
) -> None:
    address = cluster.get("service", service, "-n", echo)["spec"]["clusterIP"]

    eventually("all three Pods to answer", lambda: len(answering_pods(address, 80)) == 3)


@pytest.mark.parametrize("service", ["echo-http", "echo-kernel"])
def test_a_service_is_reached_by_name_from_a_pod(
    cluster: RunningCluster, echo: str, service: str
) -> None:
    request = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {service} 80 | tail -1"

    answer = eventually("an answer", lambda: in_client(cluster, request).strip())

    assert answer.startswith("echo-")


def test_a_pod_reaches_itself_through_its_service(cluster: RunningCluster, echo: str) -> None:
    pod = cluster.get("pods", "-n", echo, "-l", "app=echo")["items"][0]["metadata"]["name"]
    request = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do printf 'GET / HTTP/1.0\\r\\n\\r\\n'"
    request += " | nc -w 5 echo-kernel 80 | tail -1; done"

    answers = cluster.kubectl("exec", "-n", echo, pod, "--", "sh", "-c", request).split()

    assert len(answers) == 12
    assert pod in answers


def test_a_node_port_answers_on_loopback(cluster: RunningCluster, echo: str) -> None:
    port = cluster.get("service", "echo-kernel", "-n", echo)["spec"]["ports"][0]["nodePort"]

    assert fetch("127.0.0.1", port).startswith("echo-")


def test_a_rollout_without_a_stop_hook_fails_no_request(cluster: RunningCluster, echo: str) -> None:
    services = ("echo-http", "echo-kernel")
    addresses = [cluster.get("service", s, "-n", echo)["spec"]["clusterIP"] for s in services]
    over = threading.Event()

    def ask_until_over(address: str) -> int:
        asked = 0
        while not over.is_set():
            fetch(address, 80)
            asked += 1
        return asked

    with ThreadPoolExecutor() as threads:
        asking = [threads.submit(ask_until_over, address) for address in addresses]
        try:
            cluster.kubectl("rollout", "restart", "-n", echo, "deployment/echo")
            cluster.kubectl("rollout", "status", "-n", echo, "deployment/echo", "--timeout=60s")
            eventually(
                "the old Pods to be gone",
                lambda: len(cluster.get("pods", "-n", echo, "-l", "app=echo")["items"]) == 3,
            )
        finally:
            over.set()
        asked = [each.result(timeout=10) for each in asking]

    assert min(asked) > 50


def test_a_service_without_a_selector_serves_what_others_write(
    cluster: RunningCluster, echo: str, namespace: str
) -> None:
    pod = cluster.get("pods", "-n", echo, "-l", "app=echo")["items"][0]
    manifest = MANUAL.replace("ADDRESS", pod["status"]["podIP"])
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=manifest)
    for name in ("by-slice", "by-endpoints"):
        address = cluster.get("service", name, "-n", namespace)["spec"]["clusterIP"]

        answer = eventually(name, lambda address=address: fetch(address, 80), 10)  # type: ignore[misc]

        assert answer == pod["metadata"]["name"]


def test_a_testcontainer_on_the_pods_network_reaches_a_service_by_name(
    cluster: RunningCluster, echo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)  # its image is elsewhere
    container = DockerContainer(BUSYBOX, command="sleep 100").with_kwargs(
        network=f"mk-{cluster.name}", dns=[cluster.status()["dns"]]
    )
    with container as client:
        request = (
            "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 echo-http.echo.svc.cluster.local 80"
        )

        code, answer = client.exec(["sh", "-c", request])

    assert code == 0
    assert isinstance(answer, bytes)
    assert answer.decode().strip().splitlines()[-1].startswith("echo-")


@pytest.mark.parametrize("service", ["echo-http", "echo-kernel"])
def test_a_container_of_another_docker_network_reaches_a_service(
    cluster: RunningCluster, echo: str, service: str
) -> None:
    address = cluster.get("service", service, "-n", echo)["spec"]["clusterIP"]
    request = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} 80 | tail -1"

    done = run_command("docker", "run", "--rm", BUSYBOX, "sh", "-c", request)

    assert done.out.startswith("echo-"), done


def test_a_service_without_pods_refuses_at_once(cluster: RunningCluster, namespace: str) -> None:
    cluster.kubectl("create", "service", "clusterip", "empty", "-n", namespace, "--tcp=81:81")
    address = cluster.get("service", "empty", "-n", namespace)["spec"]["clusterIP"]

    def refused() -> bool:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address, 81), timeout=2).close()
        return True

    eventually("a refusal", refused, 10)


def test_an_unused_service_address_is_refused_on_this_host(cluster: RunningCluster) -> None:
    first, second, *_ = cluster.status()["serviceCIDR"].split(".")

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((f"{first}.{second}.250.250", 80), timeout=2).close()


def test_dns_knows_services_headless_pods_and_says_no(cluster: RunningCluster, echo: str) -> None:
    server = cluster.status()["dns"]

    def ask(name: str, kind: str = "A") -> list[str]:
        reply = DNSRecord.parse(DNSRecord.question(name, kind).send(server, 53, timeout=3))
        return sorted(str(record.rdata) for record in reply.rr)

    service = cluster.get("service", "echo-http", "-n", echo)["spec"]["clusterIP"]
    pods = cluster.get("pods", "-n", echo, "-l", "app=echo")["items"]
    assert ask("echo-http.echo.svc.cluster.local") == [service]
    assert ask("echo-headless.echo.svc.cluster.local") == sorted(p["status"]["podIP"] for p in pods)
    assert len(ask("_web._tcp.echo-headless.echo.svc.cluster.local", "SRV")) == 3
    assert ask("nobody.echo.svc.cluster.local") == []


def test_ingress_serves_https_with_the_clusters_own_certificate(
    cluster: RunningCluster, echo: str
) -> None:
    cluster.kubectl(
        "create", "ingress", "echo", "-n", echo, "--rule=echo.localhost/*=echo-http:http"
    )
    status = cluster.status()
    authority = json.loads(
        cluster.kubectl("get", "configmap", "kube-root-ca.crt", "-n", echo, "-o", "json")
    )["data"]["ca.crt"]
    trust = ssl.create_default_context(cadata=authority)

    def page() -> str:
        with (
            socket.create_connection(("127.0.0.1", status["ingressHttpsPort"]), timeout=5) as plain,
            trust.wrap_socket(plain, server_hostname="echo.localhost") as secure,
        ):
            secure.sendall(b"GET / HTTP/1.1\r\nHost: echo.localhost\r\nConnection: close\r\n\r\n")
            answer = b""
            while block := secure.recv(65536):
                answer += block
        assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
        return answer.decode()

    answer = eventually("the page over HTTPS", page)

    assert "echo-" in answer
    listed = cluster.kubectl("get", "ingress", "echo", "-n", echo)
    assert "echo.localhost" in listed
