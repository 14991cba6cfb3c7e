"""The daemon's life: prepare, start in groups, say ready, wait for a signal, stop in reverse.

SIGTERM stops the Pods with the daemon, SIGINT leaves them running. Killed at any other moment, the
next start picks up from the store, the containers' labels and the kernel.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from minikube_py import __version__
from minikube_py.daemon.assembly import Assembly, assemble
from minikube_py.daemon.choices import Choices, StartFailure
from minikube_py.daemon.component import Component
from minikube_py.daemon.garbage import collect_in_small_portions
from minikube_py.daemon.locks import one_start_at_a_time, only_daemon
from minikube_py.daemon.record import Record, RecordFile, process_start_time
from minikube_py.daemon.settings import Settings

_log = logging.getLogger(__name__)
_READY_DEADLINE = 60.0  # seconds until a start that does not get ready is given up


async def run(settings: Settings) -> None:
    """Returns when the daemon was told to stop; raises StartFailure when it can't start."""
    began = time.monotonic()
    stop = _StopSignal()
    record = RecordFile(settings.cluster.record_path)
    with only_daemon(settings.data_dir):
        try:
            async with AsyncExitStack() as turn:
                await turn.enter_async_context(one_start_at_a_time())
                async with assemble(settings) as assembly:
                    record.write(_record(settings, assembly.choices))
                    async with _serving(assembly):
                        await turn.aclose()  # what was chosen is in use: the next one may start
                        record.write(replace(_record(settings, assembly.choices), ready=True))
                        collect_in_small_portions(asyncio.get_running_loop().call_soon)
                        _log.info("ready after_ms=%d", (time.monotonic() - began) * 1000)
                        await stop.wait()
                        _log.info("stopping pods=%s", "stop" if stop.stops_pods else "keep")
                        if stop.stops_pods:
                            await assembly.rest_pods()
                        else:
                            await assembly.hand_over()
                    if stop.stops_pods:
                        await assembly.stop_pods()
        finally:
            record.remove()


@asynccontextmanager
async def _serving(assembly: Assembly) -> AsyncIterator[None]:
    """Every start group runs and what must answer answers; ends them in reverse order."""
    async with AsyncExitStack() as running:
        for group in assembly.groups:
            await running.enter_async_context(_running(group))
        try:
            async with asyncio.timeout(_READY_DEADLINE):
                await assembly.wait_ready()
        except TimeoutError as error:
            raise StartFailure(
                f"the cluster was not ready within {_READY_DEADLINE:.0f} s; the log beside the "
                "data says what is missing"
            ) from error
        yield


class _StopSignal:
    """Set by SIGTERM (Pods stop too) or SIGINT (they stay)."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.stops_pods = False
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._set, True)
        loop.add_signal_handler(signal.SIGINT, self._set, False)

    def _set(self, stops_pods: bool) -> None:
        self.stops_pods = stops_pods
        self._event.set()

    async def wait(self) -> None:
        await self._event.wait()


@asynccontextmanager
async def _running(components: Sequence[Component]) -> AsyncIterator[None]:
    """Runs a start group; a component that fails ends the daemon, as crash-only software does."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(component.run(), name=type(component).__name__)
            for component in components
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def _record(settings: Settings, choices: Choices) -> Record:
    pid = os.getpid()
    return Record(
        cluster=settings.cluster.name,
        pid=pid,
        startTime=process_start_time(pid),
        ready=False,
        api=f"https://127.0.0.1:{choices.api_port}",
        dataDir=str(settings.data_dir),
        kubeconfig=str(settings.data_dir / "kubeconfig"),
        runtime=settings.runtime,
        serviceProxy=settings.service_proxy,
        podCIDR=choices.pod_cidr,
        serviceCIDR=choices.service_cidr,
        dns=choices.dns_address,
        ingressHttpPort=choices.ingress_http_port,
        ingressHttpsPort=choices.ingress_https_port,
        nodes=choices.nodes,
        allowedUnsafeSysctls=choices.allowed_unsafe_sysctls,
        zones=choices.zones,
        version=__version__,
    )


def configure_logging(*, verbose: bool) -> None:
    """Lines on stderr, which `mk up` sends to `<data dir>/daemon.log`."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname).1s %(name)s %(message)s",
    )
    for noisy in ("docker", "urllib3", "pyroute2", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
