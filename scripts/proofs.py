#!/usr/bin/env python3
"""The demo's proofs: starts the cluster, applies the bookstore, and shows each promise kept.

    proofs.py MANIFESTS

Every step says what is expected and what was seen. Exit code 0 only when all were kept.
"""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from minikube_py.daemon.certificates import CertificateAuthority

HOST = "bookstore.localhost"
NAMESPACE = "bookstore"
DEADLINE = 120  # seconds that any one wait may take


class NotKept(Exception):
    """A proof failed; the message says what was seen instead."""


# -- speaking ----------------------------------------------------------------------------------

BOLD, GREEN, RED, DIM, PLAIN = (
    ("\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("",) * 5
)


@contextmanager
def proof(title: str, expected: str):
    """One step: yields a function that takes what was seen."""
    print(f"\n{BOLD}{title}{PLAIN}\n  expected  {expected}", flush=True)
    started = time.monotonic()

    def seen(text: str) -> None:
        print(f"  seen      {text}", flush=True)

    try:
        yield seen
    except NotKept as error:
        print(f"  {RED}✗ NOT KEPT: {error}{PLAIN}", flush=True)
        raise
    print(f"  {GREEN}✓{PLAIN} {DIM}{time.monotonic() - started:.1f} s{PLAIN}", flush=True)


def require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise NotKept(otherwise)


def until(what: str, check: Callable[[], object], seconds: float = DEADLINE):
    """Polls until `check` gives something true, and gives it back."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = check()
        if result:
            return result
        time.sleep(0.05)
    raise NotKept(f"{what}: not within {seconds:.0f} s")


# -- the command and the cluster ---------------------------------------------------------------


def mk(*words: str, stdin: str | None = None) -> str:
    command = [str(Path(sys.executable).with_name("mk")), *words]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise NotKept(
            f"`mk {' '.join(words)}` failed: {done.stderr.strip() or done.stdout.strip()}"
        )
    return done.stdout


def show(*words: str) -> None:
    """Runs a command as the reader would type it, its output included."""
    print(f"\n{DIM}$ mk {' '.join(words)}{PLAIN}")
    print(mk(*words).rstrip(), flush=True)


def get(*words: str) -> dict:
    return json.loads(mk("get", "-n", NAMESPACE, *words, "-o", "json"))


def pods(app: str) -> list[dict]:
    return [
        pod
        for pod in get("pods", "-l", f"app={app}")["items"]
        if not pod["metadata"].get("deletionTimestamp")
    ]


def is_ready(pod: dict) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def container_ids() -> dict[str, str]:
    """Container id → its creation, of every container of the cluster, as the Engine tells it."""
    listed = subprocess.run(
        ["docker", "ps", "--no-trunc", "--filter", "label=io.minikube-py.cluster=mk",
         "--format", "{{.ID}} {{.Names}}"],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    # The warm pool is refilled as it likes; only what belongs to a Pod counts.
    rows = (line.split(" ", 1) for line in listed.stdout.splitlines())
    return {identifier: name for identifier, name in rows if name.startswith("k8s_")}


# -- the shop over HTTP ------------------------------------------------------------------------


@dataclass
class Shop:
    """The bookstore through its Ingress; trusts only the demo's own authority."""

    port: int
    trust: ssl.SSLContext

    def ask(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict, dict]:
        """(status, headers, JSON) over a new, verified connection."""
        with self.connected() as secure:
            connection = http.client.HTTPConnection(HOST, timeout=10)
            connection.sock = secure
            connection.request(
                method,
                path,
                body=json.dumps(body) if body else None,
                headers={"Content-Type": "application/json"} if body else {},
            )
            answer = connection.getresponse()
            content = answer.read()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, json.loads(content) if content else {}

    @contextmanager
    def connected(self):
        """A TLS connection to the Ingress; fails when the certificate is not the trusted one."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain,
            self.trust.wrap_socket(plain, server_hostname=HOST) as secure,
        ):
            yield secure

    def who(self) -> str:
        status, headers, _ = self.ask("GET", "/api/whoami")
        require(status == 200, f"/api/whoami answered {status}")
        return headers["x-pod"]

    def titles(self) -> list[str]:
        status, _, books = self.ask("GET", "/api/books")
        return [book["title"] for book in books["items"]] if status == 200 else []


def ask_plainly(address: str, port: int = 80) -> str:
    """Who answers on an address, over a connection of its own."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", "/api/whoami")
        answer = connection.getresponse()
        answer.read()
        require(answer.status == 200, f"status {answer.status}")
        return answer.getheader("X-Pod", "")
    finally:
        connection.close()


@dataclass
class Load:
    """Asks again and again from several threads until stopped; remembers every failure."""

    ask: Callable[[], str]
    threads: int = 4
    answers: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._stop = threading.Event()
        self._workers = [threading.Thread(target=self._run) for _ in range(self.threads)]
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for worker in self._workers:
            worker.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers[self.ask()] += 1
            except (OSError, http.client.HTTPException, NotKept) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
            time.sleep(0.005)

    def wait_for(self, count: int) -> None:
        target = self.answers.total() + count
        until("requests to be answered", lambda: self.answers.total() >= target or self.failures)


# -- the proofs --------------------------------------------------------------------------------


def start_cluster() -> dict:
    started = time.monotonic()
    print(f"\n{DIM}$ mk up{PLAIN}", flush=True)
    print(mk("up").rstrip())
    print(f"{DIM}cluster ready after {time.monotonic() - started:.2f} s{PLAIN}", flush=True)
    return json.loads(mk("status", "-o", "json"))


def apply_bookstore(manifests: str, folder: Path) -> ssl.SSLContext:
    """Applies everything; the certificate comes from an authority of the demo's own, as a
    company's would.
    """
    authority = CertificateAuthority.open(
        folder, name="bookstore demo", clock=lambda: datetime.now(UTC)
    )
    certificate, key = authority.issue_server([HOST])
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "bookstore-tls", "namespace": NAMESPACE},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": certificate.decode(), "tls.key": key.decode()},
    }
    started = time.monotonic()
    mk("apply", "-f", f"{manifests}/00-namespace.yaml")
    mk("apply", "-f", "-", stdin=json.dumps(secret))
    show("apply", "-f", manifests, "--wait")
    print(f"{DIM}bookstore ready after {time.monotonic() - started:.1f} s{PLAIN}", flush=True)
    trust = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    trust.set_alpn_protocols(["http/1.1"])
    return trust


def prove_https(shop: Shop) -> None:
    with proof(
        f"1. https://{HOST} answers, its certificate verified",
        "TLS 1.3 with a certificate from the Secret, status 200, three books",
    ) as seen:
        with shop.connected() as secure:
            peer, version = secure.getpeercert() or {}, secure.version()
        titles = until("books", shop.titles, 30)
        issuer = dict(pair[0] for pair in peer.get("issuer", ()))["commonName"]
        seen(f"{version}, issued by {issuer!r}, books: {', '.join(titles[:3])}")
        require(len(titles) >= 3, f"only {len(titles)} books")


def prove_storage(shop: Shop) -> None:
    with proof(
        "2. The database Pod dies; a new one with another IP keeps the data",
        "same Service address, another Pod IP, the row still there",
    ) as seen:
        title = f"Written at {datetime.now(UTC):%H:%M:%S.%f}"
        status, _, _ = shop.ask("POST", "/api/books", {"title": title, "author": "the demo"})
        require(status == 201, f"writing the row answered {status}")
        before, address = pods("postgres")[0], get("service", "postgres")["spec"]["clusterIP"]
        mk("delete", "pod", "-n", NAMESPACE, "postgres-0", "--grace-period=0", "--force")

        def successor() -> dict | None:
            return next(
                (
                    pod
                    for pod in pods("postgres")
                    if pod["metadata"]["uid"] != before["metadata"]["uid"] and is_ready(pod)
                ),
                None,
            )

        after = until("a new database Pod", successor)
        found = until("the row", lambda: title in shop.titles(), 30)
        after_address = get("service", "postgres")["spec"]["clusterIP"]
        seen(
            f"Pod IP {before['status']['podIP']} → {after['status']['podIP']}, Service {address} → "
            f"{after_address}, row {title!r} {'found' if found else 'lost'}"
        )
        require(before["status"]["podIP"] != after["status"]["podIP"], "the Pod kept its IP")
        require(address == after_address, "the Service changed its address")


def prove_scaling(shop: Shop) -> None:
    with proof(
        "3. Scale to 5: the load spreads over all", "each of 5 Pods answers a fair share"
    ) as seen:
        mk("scale", "-n", NAMESPACE, "deployment/web", "--replicas=5")
        until("5 ready Pods", lambda: sum(map(is_ready, pods("web"))) == 5)
        until("all 5 behind the address", lambda: len({shop.who() for _ in range(25)}) == 5, 20)
        with Load(shop.who) as load:
            load.wait_for(400)
        require(not load.failures, f"{len(load.failures)} failed, e.g. {load.failures[:1]}")
        shares = sorted(load.answers.values())
        counts = [f"{pod.rsplit('-', 1)[1]} {n}" for pod, n in sorted(load.answers.items())]
        seen(f"{load.answers.total()} requests: {', '.join(counts)}")
        require(len(shares) == 5, f"only {len(shares)} Pods answered")
        require(shares[0] * 5 >= load.answers.total() * 0.5, "one Pod got less than half its share")


def prove_rollout(shop: Shop) -> None:
    with proof(
        "4. A changed ConfigMap rolls out without one failed request",
        "new title on every Pod, no failure",
    ) as seen:
        title = f"Bookstore of {datetime.now(UTC):%H:%M:%S}"
        with Load(shop.who) as load:
            load.wait_for(50)
            config = get("configmap", "bookstore")
            config["data"]["APP_TITLE"] = title
            config["metadata"] = {"name": "bookstore", "namespace": NAMESPACE}
            mk("apply", "-f", "-", stdin=json.dumps(config))
            mk("rollout", "restart", "-n", NAMESPACE, "deployment/web")
            mk("rollout", "status", "-n", NAMESPACE, "deployment/web", "--timeout=120s")
            load.wait_for(50)
        titles = {shop.ask("GET", "/api/whoami")[2]["title"] for _ in range(20)}
        seen(f"{load.answers.total()} requests, {len(load.failures)} failed; title {titles}")
        require(not load.failures, f"{len(load.failures)} failed, e.g. {load.failures[:3]}")
        require(titles == {title}, f"titles are {titles}")


def prove_crash(status: dict) -> None:
    with proof(
        "5. The daemon is killed with SIGKILL while requests run through a kernel-path Service",
        "no failed request; after the restart every container is still the same one",
    ) as seen:
        address = get("service", "web-external")["spec"]["clusterIP"]
        before = container_ids()
        with Load(lambda: ask_plainly(address)) as load:
            load.wait_for(100)
            os.kill(status["pid"], signal.SIGKILL)
            until("the daemon's end", lambda: not Path(f"/proc/{status['pid']}").exists(), 10)
            load.wait_for(300)
            while_down = load.answers.total()
            started = time.monotonic()
            mk("up")
            restart = time.monotonic() - started
            load.wait_for(100)
        until("the Pods to be ready", lambda: all(map(is_ready, pods("web"))))
        after = container_ids()
        kept = len(before.keys() & after.keys())
        seen(
            f"{load.answers.total()} requests on {address}, {while_down} of them by the time the "
            f"daemon was started again (in {restart:.2f} s), {len(load.failures)} failed"
        )
        seen(f"{len(before)} containers before, {kept} of them after")
        require(not load.failures, f"{len(load.failures)} failed, e.g. {load.failures[:3]}")
        require(set(before) == set(after), f"changed: {set(before.items()) ^ set(after.items())}")


def main() -> int:
    manifests = sys.argv[1]
    started = time.monotonic()
    try:
        status = start_cluster()
        with tempfile.TemporaryDirectory(prefix="mk-demo-") as folder:
            trust = apply_bookstore(manifests, Path(folder) / "ca")
        shop = Shop(int(status["ingressHttpsPort"]), trust)
        prove_https(shop)
        prove_storage(shop)
        prove_scaling(shop)
        prove_rollout(shop)
        prove_crash(json.loads(mk("status", "-o", "json")))
        show("get", "pods,services,ingresses,persistentvolumeclaims", "-n", NAMESPACE)
    except NotKept as error:
        print(f"\n{RED}The demo failed:{PLAIN} {error}", file=sys.stderr)
        print(
            "Look closer with: mk status; mk get pods -A; mk events -n bookstore", file=sys.stderr
        )
        return 1
    port = "" if shop.port == 443 else f":{shop.port}"
    print(
        f"\n{GREEN}{BOLD}All five promises kept in {time.monotonic() - started:.0f} s.{PLAIN} "
        f"The shop is open: https://{HOST}{port}\n"
        "Look around:  mk get all -n bookstore      Remove it all:  sudo ./scripts/demo --clean"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
