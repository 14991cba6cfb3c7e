"""A small world of real namespaces: a bridge made as Docker makes it, and pods that are only a
sleeping process in a network namespace of their own.
"""

import asyncio
import contextlib
import ctypes
import random
import secrets
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from minikube_py.meta.cluster import Cluster
from minikube_py.network import firewall
from minikube_py.network.host import Host
from minikube_py.network.pod_network import BridgePodNetwork

if TYPE_CHECKING:
    from tests.control_loop.harness import ControlPlane

# In any order, so that two runs on one host hardly meet.
_OCTETS = iter(random.sample(range(100, 250), 150))


def shell(command: str, *, check: bool = True) -> str:
    done = subprocess.run(command, shell=True, check=False, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: {done.stderr}")
    return done.stdout


@dataclass
class World:
    """One cluster's bridge, service device and pods on this host."""

    cluster: Cluster
    host: Host
    pods: BridgePodNetwork
    pod_range: str
    gateway: str
    service_range: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    async def pod(self, uid: str) -> str:
        """A new pod's address."""
        pid = self.sandbox(uid)
        return (await self.pods.attach(uid, pid)).ip

    def sandbox(self, uid: str) -> int:
        """The process of a fresh namespace; the one before it, if any, ends."""
        self.end(uid)
        process = subprocess.Popen(["unshare", "-n", "sleep", "600"])
        self.processes[uid] = process
        own = shell("readlink /proc/self/ns/net")
        while shell(f"readlink /proc/{process.pid}/ns/net", check=False) in ("", own):
            pass
        return process.pid

    def end(self, uid: str) -> None:
        if process := self.processes.pop(uid, None):
            process.kill()
            process.wait()

    def run_in(self, uid: str, command: str) -> str:
        return shell(f"nsenter -t {self.processes[uid].pid} -n {command}")

    def socket(self, uid: str | None, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """A socket of the pod's namespace (None: the host's); it stays there wherever it is
        used.
        """
        if uid is None:
            return socket.socket(socket.AF_INET, kind)
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(_socket_in, self.processes[uid].pid, kind).result()

    async def call(
        self, uid: str | None, address: str, port: int, *, bind: str | None = None
    ) -> str:
        """What the server at `address` says first, asked from the pod; raises OSError."""
        with self.socket(uid) as caller:
            caller.setblocking(False)
            if bind:
                caller.bind((bind, 0))
            async with asyncio.timeout(3):
                loop = asyncio.get_running_loop()
                await loop.sock_connect(caller, (address, port))
                return (await loop.sock_recv(caller, 200)).decode()

    async def reaches(self, uid: str | None, address: str) -> bool:
        """A refusal comes from the machine itself, so it counts."""
        try:
            await self.call(uid, address, 9)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return True

    async def greeter(self, uid: str, port: int, name: str) -> asyncio.Server:
        """A TCP server in the pod that says `name caller-ip` and closes."""
        listener = self.socket(uid)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", port))

        async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"{name} {writer.get_extra_info('peername')[0]}".encode())
            writer.close()

        return await asyncio.start_server(greet, sock=listener)


def _socket_in(pid: int, kind: int) -> socket.socket:
    """Runs in a thread of its own, which ends in the other namespace."""
    with Path(f"/proc/{pid}/ns/net").open() as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    return socket.socket(socket.AF_INET, kind)


@contextlib.asynccontextmanager
async def new_world() -> AsyncIterator[World]:
    routes = shell("ip -4 route show table all")
    # Not what another cluster here uses, nor what a run that was killed has left.
    octet = next(one for one in _OCTETS if f" 10.{one}." not in f" {routes}".replace("\n", " "))
    cluster = Cluster(f"t-{secrets.token_hex(3)}")
    gateway = f"10.{octet}.0.1"
    shell(
        f"ip link add {cluster.bridge} address 02:42:0a:{octet:02x}:00:01 type bridge && "
        f"ip addr add {gateway}/17 dev {cluster.bridge} && ip link set {cluster.bridge} up"
    )
    host = Host()
    service_range = f"10.{octet}.128.0/17"
    world = World(
        cluster,
        host,
        BridgePodNetwork(host, cluster, pod_cidr=f"10.{octet}.0.0/17", gateway=gateway),
        f"10.{octet}.0.0/17",
        gateway,
        service_range,
    )
    with _docker_like_forwarding(cluster.bridge):
        try:
            await host.ensure_service_route(cluster, service_range)
            await world.pods.start()
            yield world
        finally:
            for uid in list(world.processes):
                world.end(uid)
            await firewall.remove_rules(cluster)
            await host.remove_all(cluster)
            await host.close()


@contextlib.contextmanager
def _docker_like_forwarding(bridge: str) -> Iterator[None]:
    """Rules as Docker writes them for a network of its own; its FORWARD policy is to drop."""
    rules = [
        f"-o {bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        f"-i {bridge} ! -o {bridge} -j ACCEPT",
        f"-i {bridge} -o {bridge} -j ACCEPT",
    ]
    for rule in rules:
        shell(f"iptables -w -A FORWARD {rule}")
    try:
        yield
    finally:
        for rule in rules:
            shell(f"iptables -w -D FORWARD {rule}", check=False)


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator["ControlPlane"]:
    from tests.control_loop.harness import control_plane

    async with control_plane(tmp_path) as made:
        yield made


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with new_world() as made:
        yield made


@pytest.fixture
async def second_world() -> AsyncIterator[World]:
    async with new_world() as made:
        yield made
