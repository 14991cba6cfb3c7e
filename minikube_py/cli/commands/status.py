"""`mk status`: what runs, where, and what is wrong. Exit code 0 only when the cluster is ready."""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from minikube_py.cli.errors import FAILED, OK, CliError
from minikube_py.cli.kubeconfig import config_paths, find_access
from minikube_py.cli.lifecycle import add_cluster_flag, chosen_cluster, mk_command
from minikube_py.cli.readiness import pod_problem, pod_state
from minikube_py.cli.record import Record, is_alive, live_record, read_record
from minikube_py.cli.rest import Client
from minikube_py.cli.terminal import styled
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.objects import Object, is_condition_true, make_key, name_of, namespace_of

_SECONDS = 5.0
_LEAST_FREE_BYTES = 4 * 2**20
_READY_FIELDS = ("runtime", "serviceProxy", "podCIDR", "serviceCIDR", "dns", "ingressHttpPort",
                 "ingressHttpsPort", "version", "error")  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    add_cluster_flag(parser)
    parser.add_argument("-o", "--output", choices=["json"])


def run(args: argparse.Namespace) -> int:
    cluster = chosen_cluster(args)
    status = gather(cluster, getattr(args, "kubeconfig", None))
    if args.output == "json":
        print(json.dumps(status, indent=2))
    else:
        _print(status)
    return OK if status["ready"] else FAILED


def gather(cluster: Cluster, kubeconfig: str | None) -> dict[str, Any]:
    """All that `-o json` shows; `pid` is null when the cluster is not running."""
    record = live_record(cluster)
    last = record or read_record(cluster) or {}
    status: dict[str, Any] = {
        "cluster": cluster.name,
        "pid": record["pid"] if record else None,
        "ready": bool(record and record.get("ready")),
        "api": last.get("api"),
        "dataDir": last.get("dataDir") or str(cluster.default_data_dir),
        "kubeconfig": last.get("kubeconfig"),
        **{name: last.get(name) for name in _READY_FIELDS if name in last},
        "components": {},
        "nodes": {},
        "pods": {"total": 0, "running": 0},
        "problems": [],
    }
    if record is None:
        crashed = "its daemon was killed" if last and not is_alive(last) else "it is not running"
        status["problems"] = [f"{crashed}: {mk_command('up', cluster.name)} starts it"]
        return status
    if problem := _disk_problem(status["dataDir"]):
        status["problems"].append(problem)
    try:
        access = find_access(_access_paths(record, kubeconfig), cluster.name)
        client = Client(access, timeout=_SECONDS)
        try:
            _ask(client, status)
        finally:
            client.close()
    except CliError as error:
        status["problems"].append(error.message)
    return status


def _disk_problem(data_dir: str) -> str | None:
    """A full disk refuses every write, long after the cluster got ready."""
    try:
        free = shutil.disk_usage(data_dir).free
    except OSError:  # the folder is root's
        return None
    if free >= _LEAST_FREE_BYTES:
        return None
    return f"the disk that holds {data_dir} is full ({free // 2**20} MiB left): free some space"


def _access_paths(record: Record, kubeconfig: str | None) -> list[Path]:
    """The cluster's own kubeconfig where it may be read, else the user's."""
    own = Path(str(record.get("kubeconfig") or ""))
    try:
        own.read_bytes()
    except OSError:
        return config_paths(kubeconfig)
    return [own]


def _ask(client: Client, status: dict[str, Any]) -> None:
    status["components"] = _components(client)
    for name, state in status["components"].items():
        if state != "ok":
            status["problems"].append(f"{name}: {state}")
    for node in client.get("/api/v1/nodes").get("items") or []:
        ready = is_condition_true(node, "Ready")
        status["nodes"][name_of(node)] = "Ready" if ready else "NotReady"
        if not ready:
            status["problems"].append(f"node {name_of(node)} is not ready")
    pods: list[Object] = client.get("/api/v1/pods").get("items") or []
    states = [pod_state(pod) for pod in pods]
    status["pods"] = {"total": len(pods), "running": states.count("Running")}
    for pod in pods:
        problem = pod_problem(pod)
        if problem:
            key = make_key(namespace_of(pod), name_of(pod))
            status["problems"].append(f"pod {key}: {problem}")


def _components(client: Client) -> dict[str, str]:
    """`[+]store ok`, `[-]docker failed: why` → name → "ok" or why not."""
    try:
        text = str(client.get("/readyz", {"verbose": True}, accept="*/*"))
    except CliError as error:
        text = error.message
    found = {}
    for line in text.splitlines():
        if line.startswith(("[+]", "[-]")):
            name, _, state = line[3:].strip().partition(" ")
            found[name] = "ok" if line.startswith("[+]") else state
    return found


def _print(status: dict[str, Any]) -> None:
    name = status["cluster"]
    if status["pid"] is None:
        print(f"Cluster {name}: {styled('stopped', 'yellow')}")
        for problem in status["problems"]:
            print(f"  {problem}")
        return
    word = styled("ready", "green") if status["ready"] else styled("not ready", "yellow")
    print(f"Cluster {name}: {word} (pid {status['pid']}, {status.get('runtime')})")
    nodes = ", ".join(f"{node} {state}" for node, state in status["nodes"].items())
    pods = status["pods"]
    ports = [
        str(status[port]) for port in ("ingressHttpPort", "ingressHttpsPort") if status.get(port)
    ]
    rows = [
        ("API", status["api"]),
        ("node", nodes),
        ("pods", f"{pods['running']} of {pods['total']} running"),
        ("addresses", f"pods {status.get('podCIDR')}  services {status.get('serviceCIDR')}"),
        ("DNS", status.get("dns")),
        ("Ingress", "ports " + ", ".join(ports) if ports else ""),
        ("kubeconfig", status["kubeconfig"]),
        ("state, log", status["dataDir"]),
    ]
    for label, value in rows:
        if value:
            print(f"  {styled(label.ljust(12), 'dim')}{value}")
    if status["problems"]:
        print(styled("Wrong:", "red"))
        for problem in status["problems"]:
            print(f"  {problem}")
