"""A real API server for tests: real TLS on loopback, real store and resources, no kubelet."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import trustme
from aiohttp import web

from minikube_py.apiserver.app import build_app, build_runner
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.controllers.cluster_role_aggregation import (
    new_cluster_role_aggregation_controller,
)
from minikube_py.daemon.access import Access, open_access
from minikube_py.kinds.catalog import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    NAMESPACE,
    ROLE,
    ROLE_BINDING,
    builtin_catalog,
)
from minikube_py.meta.timestamps import system_clock
from minikube_py.resources.default_roles.reconcile import ensure_default_roles
from minikube_py.resources.resources import Resources, ServiceAllocator
from minikube_py.store.sqlite import SqliteStore
from tests.apiserver.fake_streams import EchoStreams


@dataclass
class Certificates:
    """`admin` is in system:masters, `alice` is in no group."""

    ca: trustme.CA
    server: trustme.LeafCert
    admin: trustme.LeafCert
    alice: trustme.LeafCert

    @classmethod
    def new(cls) -> "Certificates":
        ca = trustme.CA()
        return cls(
            ca,
            ca.issue_cert("127.0.0.1", "localhost"),
            ca.issue_cert("admin", common_name="admin", organization_name="system:masters"),
            ca.issue_cert("alice", common_name="alice", organization_name="people"),
        )

    def server_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.server.configure_cert(context)
        self.ca.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def client_context(self, who: str | None) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.ca.configure_trust(context)
        if who is not None:
            leaf: trustme.LeafCert = getattr(self, who)
            leaf.configure_cert(context)
        return context


@dataclass
class Cluster:
    url: str
    resources: Resources
    streams: EchoStreams
    certificates: Certificates
    http: aiohttp.ClientSession
    """As admin."""
    runner: web.AppRunner
    folder: Path

    @asynccontextmanager
    async def client(self, who: str | None) -> AsyncIterator[aiohttp.ClientSession]:
        connector = aiohttp.TCPConnector(ssl=self.certificates.client_context(who))
        async with aiohttp.ClientSession(self.url, connector=connector) as session:
            yield session

    def kubeconfig(self, who: str = "admin") -> Path:
        """A file for kubectl and the client libraries."""
        leaf: trustme.LeafCert = getattr(self.certificates, who)
        ca, certificate, key = (self.folder / f"{who}-{part}.pem" for part in ("ca", "cert", "key"))
        self.certificates.ca.cert_pem.write_to_path(ca)
        leaf.cert_chain_pems[0].write_to_path(certificate)
        leaf.private_key_pem.write_to_path(key)
        path = self.folder / f"{who}.kubeconfig"
        path.write_text(
            f"""
apiVersion: v1
kind: Config
clusters: [{{name: t, cluster: {{server: "{self.url}", certificate-authority: {ca}}}}}]
users: [{{name: {who}, user: {{client-certificate: {certificate}, client-key: {key}}}}}]
contexts: [{{name: t, context: {{cluster: t, user: {who}}}}}]
current-context: t
"""
        )
        return path


@asynccontextmanager
async def serve(
    folder: Path, certificates: Certificates, *, secured: bool = False, **options: Any
) -> AsyncIterator[Cluster]:
    """`options` go to build_app; `secured`: tokens are known, and roles decide."""
    store = await SqliteStore.open(folder / "state.db")
    allocator = ServiceAllocator("10.96.0.0/16")
    resources = Resources(store, builtin_catalog(), allocator=allocator)
    await resources.create(NAMESPACE, None, {"metadata": {"name": "default"}})
    streams = EchoStreams()
    guard = AsyncExitStack()
    if secured:
        access = await guard.enter_async_context(_secured(resources, folder))
        options = {**options, **vars(access)}
    runner = build_runner(build_app(resources, **{"streams": streams, **options}))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificates.server_context())
        await site.start()
        url = f"https://127.0.0.1:{runner.addresses[0][1]}"
        connector = aiohttp.TCPConnector(ssl=certificates.client_context("admin"))
        async with aiohttp.ClientSession(url, connector=connector) as session:
            yield Cluster(url, resources, streams, certificates, session, runner, folder)
    finally:
        await _stop(runner)
        await guard.aclose()
        await store.close()


@asynccontextmanager
async def _secured(resources: Resources, folder: Path) -> AsyncIterator[Access]:
    """As the daemon wires it: keys in `folder`, the default roles, and an index that follows."""
    await resources.create(NAMESPACE, None, {"metadata": {"name": "kube-system"}})
    await ensure_default_roles(resources)
    informers = Informers(resources)
    aggregation = new_cluster_role_aggregation_controller(
        resources, informers, Recorder(resources, "test", system_clock, host="t"), system_clock
    )
    access = open_access(folder, resources, informers, system_clock, domain="cluster.local")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.run()) for each in (informers, aggregation)]
        for kind in (CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING):
            await informers.of(kind).wait_synced()
        yield access
        for task in tasks:
            task.cancel()


async def _stop(runner: web.AppRunner) -> None:
    """Leaves no half-closed TLS connection behind, which would wait for its peer's goodbye."""
    server = runner.server
    deadline = asyncio.get_running_loop().time() + 1
    # Clients have closed, and their sockets follow: there is no event to wait for.
    while server and server.connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    transports = [connection.transport for connection in server.connections] if server else []
    await runner.cleanup()
    for transport in transports:
        if transport is not None:
            transport.abort()
    await asyncio.sleep(0)
