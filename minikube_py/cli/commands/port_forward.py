"""`mk port-forward`: a pod's ports on this host's loopback, until Ctrl-C."""

import argparse
import asyncio

from minikube_py.cli.errors import OK, USAGE, CliError
from minikube_py.cli.pods import find_pod, pods_path
from minikube_py.cli.session import Session, open_session
from minikube_py.meta.objects import Object, get_path, name_of


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="POD | TYPE/NAME")
    parser.add_argument("ports", nargs="+", metavar="[LOCAL:]REMOTE")
    parser.add_argument("--address", default="127.0.0.1", help="where to listen")


def run(args: argparse.Namespace) -> int:
    session = open_session(args)
    pod = find_pod(session, args.target)
    service = _service(session, args.target)
    pairs = [_ports(text, pod, service) for text in args.ports]
    try:
        asyncio.run(_forward(session, pod, pairs, args.address))
    except OSError as error:
        raise CliError(f"cannot listen on {args.address}: {error.strerror or error}") from error
    return OK


async def _forward(
    session: Session, pod: Object, pairs: list[tuple[int, int]], address: str
) -> None:
    from minikube_py.cli.streams import PortForward

    path = pods_path(session.namespace, name_of(pod), "portforward")
    async with asyncio.TaskGroup() as group:
        for local, remote in pairs:
            server = await PortForward(session.client, path, remote).serve(address, local)
            actual = server.sockets[0].getsockname()[1]
            print(f"Forwarding from {address}:{actual} -> {remote}", flush=True)
            group.create_task(server.serve_forever())


def _service(session: Session, word: str) -> Object | None:
    kind, slash, name = word.partition("/")
    if not slash or session.discovery.resolve(kind).plural != "services":
        return None
    found: Object = session.client.get(f"/api/v1/namespaces/{session.namespace}/services/{name}")
    return found


def _ports(text: str, pod: Object, service: Object | None) -> tuple[int, int]:
    """`8080`, `8080:80`, `:80` (any free port), `8080:http` → (local, the pod's)."""
    local, colon, remote = text.rpartition(":")
    number = _pod_port(remote, pod, service)
    if not colon:
        return (int(remote) if remote.isdigit() else number), number
    if local and not local.isdigit():
        raise CliError(f"{text!r} is not [LOCAL:]REMOTE, e.g. 8080:80", code=USAGE)
    return int(local or 0), number


def _pod_port(word: str, pod: Object, service: Object | None) -> int:
    wanted: str | int = int(word) if word.isdigit() else word
    if service is not None:
        for port in get_path(service, "spec", "ports", default=[]):
            if wanted in (port.get("port"), port.get("name")):
                wanted = port.get("targetPort", port["port"])
    if isinstance(wanted, int):
        return wanted
    for container in get_path(pod, "spec", "containers", default=[]):
        for port in container.get("ports") or []:
            if port.get("name") == wanted:
                return int(port["containerPort"])
    raise CliError(f"{name_of(pod)} has no port {word!r}", code=USAGE)
