"""The composition root: the only module that names concrete adapters, and the order in which things start.

Everything is made here and handed what it needs; nothing below reaches up for it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from minikube_py.container_runtime.docker_engine import DockerEngine
from minikube_py.container_runtime.interface import ContainerRuntime, RuntimeFailure
from minikube_py.container_runtime.simulated import SimulatedRuntime
from minikube_py.control_loop.informer import Informers
from minikube_py.daemon.api import ApiServer
from minikube_py.daemon.bootstrap import bootstrap
from minikube_py.daemon.certificates import CertificateAuthority
from minikube_py.daemon.choices import Choices, StartFailure
from minikube_py.daemon.controllers import new_controllers
from minikube_py.daemon.ground import Ground, host_address, lay_ground, node_name
from minikube_py.daemon.readiness import Check, dns_answers, node_is_ready, wait_for
from minikube_py.daemon.settings import Settings
from minikube_py.kinds import catalog
from minikube_py.kubelet.agent import Kubelet, KubeletSettings
from minikube_py.meta.timestamps import system_clock
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.resources import Resources
from minikube_py.store.cipher import AesGcmCipher
from minikube_py.store.sqlite import SqliteStore

CLUSTER_DOMAIN = "cluster.local"
_SEALED_PREFIXES = ("/registry/core/secrets/",)


class Component(Protocol):
    """Ends only by cancellation."""

    async def run(self) -> None: ...
