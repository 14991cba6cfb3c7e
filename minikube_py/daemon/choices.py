"""Address ranges and ports: the user's where given, last time's where kept, else the first free
ones.

They are kept in `<data dir>/cluster.json`, because objects in the store carry addresses out of
these ranges and
kubeconfigs carry the port.
"""

import errno
import json
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from minikube_py.daemon.settings import ProxyMode, Runtime, Settings
from minikube_py.meta.private_files import write_private

_API_PORTS = range(6443, 6543)
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - an Ingress is for the network
_UNPRIVILEGED_INGRESS = range(8080, 8100)  # and 363 above for HTTPS: 8443, …


class StartFailure(Exception):
    """Why the daemon can't start, one line that says what to do."""


@dataclass(frozen=True)
class Choices:
    """What a cluster keeps for its life (ranges) or until told otherwise (ports)."""

    pod_cidr: str
    service_cidr: str
    dns_address: str
    api_port: int
    ingress_http_port: int
    ingress_https_port: int
    runtime: Runtime = "docker"
    service_proxy: ProxyMode = "auto"
    nodes: int = 1
    allowed_unsafe_sysctls: str = ""
    zones: int = 0


def load_choices(path: Path) -> Choices | None:
    """The last run's choices; raises StartFailure when the file is not what was written there."""
    try:
        return Choices(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise StartFailure(
            f"{path} is damaged ({error}); restore it, or remove the cluster with 'mk purge'"
        ) from error


def save_choices(path: Path, choices: Choices) -> None:
    write_private(path, json.dumps(asdict(choices), indent=2).encode())


def choose_api_port(settings: Settings, last: Choices | None) -> int:
    """A port on loopback. One that was asked for is not replaced; a taken one is avoided."""
    wanted = [last.api_port] if last is not None else []
    return _choose(settings.api_port, [*wanted, *_API_PORTS], "127.0.0.1", "--api-port")


def choose_ingress_ports(settings: Settings, last: Choices | None) -> tuple[int, int]:
    """(http, https) on all of the host's addresses; (0, 0) where there is nothing to serve."""
    if settings.simulated:
        return 0, 0
    http, https = settings.ingress_http_port, settings.ingress_https_port
    if http is not None and http == https:
        raise StartFailure(
            f"--ingress-http-port and --ingress-https-port are both {http}: give two ports"
        )
    wanted = [(last.ingress_http_port, last.ingress_https_port)] if last is not None else []
    wanted += [(80, 443), *((port, port + 363) for port in _UNPRIVILEGED_INGRESS)]
    return (
        _choose(http, [pair[0] for pair in wanted], _EVERYWHERE, "--ingress-http-port"),
        _choose(https, [pair[1] for pair in wanted], _EVERYWHERE, "--ingress-https-port"),
    )


def is_free(port: int, host: str) -> bool:
    """On all addresses, another cluster's Service on its own address is in nobody's way: its
    socket can be shared, and a more specific address gets what is meant for it.
    """
    if host == _EVERYWHERE:
        return _can_bind(port, host, shared=True) and _can_bind(port, "127.0.0.1")
    return _can_bind(port, host)


def _can_bind(port: int, host: str, *, shared: bool = False) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise StartFailure(
                    f"port {port} needs root: run with sudo, or choose one above 1023"
                ) from error
            return False
    return True


def _choose(asked: int | None, candidates: Sequence[int], host: str, flag: str) -> int:
    if asked is not None:
        if not is_free(asked, host):
            raise StartFailure(
                f"port {asked} is taken by another program (see 'ss -ltnp'): "
                f"stop it, or choose another port with {flag}"
            )
        return asked
    for port in candidates:
        if port and is_free(port, host):
            return port
    raise StartFailure(f"none of the usual ports is free: choose one with {flag}")
