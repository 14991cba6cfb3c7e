"""`mk top`: CPU and memory in use, from the metrics API."""

import argparse
from decimal import Decimal

from minikube_py.cli.errors import OK, USAGE, ApiFailure, CliError
from minikube_py.cli.output import layout
from minikube_py.cli.session import Session, open_session
from minikube_py.meta.objects import Object, get_path, name_of, namespace_of
from minikube_py.meta.quantity import parse_quantity

_API = "/apis/metrics.k8s.io/v1beta1"
_MEBI = 1024 * 1024


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=["pod", "pods", "po", "node", "nodes", "no"])
    parser.add_argument("name", nargs="?")
    parser.add_argument("-A", "--all-namespaces", action="store_true")
    parser.add_argument("-l", "--selector", metavar="LABELS")
    parser.add_argument("--containers", action="store_true", help="a line a container")
    parser.add_argument("--sort-by", choices=["cpu", "memory"])
    parser.add_argument("--no-headers", action="store_true")


def run(args: argparse.Namespace) -> int:
    session = open_session(args)
    try:
        if args.kind.startswith("n"):
            _top_nodes(session, args)
        else:
            _top_pods(session, args)
    except ApiFailure as error:
        if error.http_code == 404 and not args.name:
            raise CliError("this cluster serves no metrics (metrics.k8s.io)") from error
        raise
    return OK


def _items(session: Session, path: str, args: argparse.Namespace) -> list[Object]:
    if args.name:
        return [session.client.get(f"{path}/{args.name}")]
    listed = session.client.get(path, {"labelSelector": args.selector})
    return list(listed.get("items") or [])


def _top_pods(session: Session, args: argparse.Namespace) -> None:
    if args.name and args.all_namespaces:
        raise CliError("a name needs a namespace: use -n instead of -A", code=USAGE)
    path = f"{_API}/pods"
    if not args.all_namespaces:
        path = f"{_API}/namespaces/{session.namespace}/pods"
    rows = []
    for pod in _items(session, path, args):
        space = [namespace_of(pod)] if args.all_namespaces else []
        containers = pod.get("containers") or []
        if args.containers:
            rows += [([*space, name_of(pod), c["name"]], *_used([c])) for c in containers]
        else:
            rows.append(([*space, name_of(pod)], *_used(containers)))
    header = ["NAMESPACE"] if args.all_namespaces else []
    header += ["POD", "NAME"] if args.containers else ["NAME"]
    _print(args, header, rows)


def _top_nodes(session: Session, args: argparse.Namespace) -> None:
    metrics = _items(session, f"{_API}/nodes", args)
    rows: list[tuple[list[str], Decimal, Decimal]] = []
    shares = {}
    for entry in metrics:
        cpu, memory = _used([entry])
        node = session.client.get(f"/api/v1/nodes/{name_of(entry)}")
        shares[name_of(entry)] = [
            _percent(cpu, get_path(node, "status", "allocatable", "cpu")),
            _percent(memory, get_path(node, "status", "allocatable", "memory")),
        ]
        rows.append(([name_of(entry)], cpu, memory))
    rows = _sorted(args, rows)
    lines = (
        [] if args.no_headers else [["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]]
    )
    for name, cpu, memory in rows:
        share = shares[name[0]]
        lines.append([name[0], _cpu(cpu), share[0], _memory(memory), share[1]])
    print(layout(lines), end="")


def _used(containers: list[Object]) -> tuple[Decimal, Decimal]:
    """(cores, bytes)."""
    usages = [container.get("usage") or {} for container in containers]
    cpu = sum((parse_quantity(usage.get("cpu", "0")) for usage in usages), Decimal(0))
    memory = sum((parse_quantity(usage.get("memory", "0")) for usage in usages), Decimal(0))
    return cpu, memory


def _print(
    args: argparse.Namespace, header: list[str], rows: list[tuple[list[str], Decimal, Decimal]]
) -> None:
    lines = [] if args.no_headers else [[*header, "CPU(cores)", "MEMORY(bytes)"]]
    lines += [[*name, _cpu(cpu), _memory(memory)] for name, cpu, memory in _sorted(args, rows)]
    print(layout(lines), end="")


def _sorted(
    args: argparse.Namespace, rows: list[tuple[list[str], Decimal, Decimal]]
) -> list[tuple[list[str], Decimal, Decimal]]:
    if not args.sort_by:
        return sorted(rows, key=lambda row: row[0])
    column = 1 if args.sort_by == "cpu" else 2
    return sorted(rows, key=lambda row: row[column], reverse=True)


def _cpu(cores: Decimal) -> str:
    return f"{int(cores * 1000)}m"


def _memory(size: Decimal) -> str:
    return f"{int(size / _MEBI)}Mi"


def _percent(used: Decimal, allocatable: str | None) -> str:
    total = parse_quantity(allocatable) if allocatable else Decimal(0)
    return f"{int(used * 100 / total)}%" if total else "<unknown>"
