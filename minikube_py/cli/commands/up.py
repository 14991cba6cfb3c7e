"""`mk up`: starts the daemon detached, waits until it is ready, enters it into the kubeconfig, says
what is where.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from minikube_py.cli.errors import OK, CliError
from minikube_py.cli.kubeconfig import config_paths, merge_into, yaml_parser
from minikube_py.cli.lifecycle import add_cluster_flag, chosen_cluster, daemon_command, environment
from minikube_py.cli.record import Record, is_alive, live_record
from minikube_py.cli.terminal import is_terminal, styled, warn
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.sysctls import parse_sysctl_patterns

_POLL_SECONDS = 0.01
_LOG_TAIL_BYTES = 65536
_LEAST_FREE_BYTES = 2**20
_SAME = {
    "runtime": "runtime",
    "service_proxy": "serviceProxy",
    "data_dir": "dataDir",
    "ingress_http_port": "ingressHttpPort",
    "ingress_https_port": "ingressHttpsPort",
    "pod_cidr": "podCIDR",
    "service_cidr": "serviceCIDR",
    "nodes": "nodes",
    "allowed_unsafe_sysctls": "allowedUnsafeSysctls",
    "zones": "zones",
}


def configure(parser: argparse.ArgumentParser) -> None:
    add_cluster_flag(parser)
    parser.add_argument("--data-dir", metavar="D", help="where the cluster keeps its state")
    parser.add_argument(
        "--runtime",
        choices=["docker", "simulated"],
        help="simulated: pods on paper, no Docker, no root (default: as last time, else docker)",
    )
    parser.add_argument(
        "--service-proxy",
        choices=["auto", "kernel", "http", "userspace"],
        help="how Services reach pods (default: as last time, else auto)",
    )
    parser.add_argument("--pod-cidr", metavar="RANGE", help="addresses of Pods")
    parser.add_argument("--service-cidr", metavar="RANGE", help="addresses of Services")
    for flag in ("--api-port", "--ingress-http-port", "--ingress-https-port"):
        parser.add_argument(flag, type=_port, metavar="P")
    parser.add_argument(
        "--nodes",
        type=int,
        metavar="N",
        help="how many nodes this host plays, for lessons on scheduling (default: as last time)",
    )
    parser.add_argument(
        "--zones",
        type=int,
        metavar="Z",
        help="how many zones the nodes are spread over, in turn (default: as last time, else none)",
    )
    parser.add_argument(
        "--allowed-unsafe-sysctls",
        type=_sysctls,
        metavar="NAMES",
        help="sysctls that Pods may set beside the safe ones, e.g. 'net.core.*,kernel.msgmax' "
        "(default: as last time, else none; '' takes them back)",
    )
    parser.add_argument("--foreground", action="store_true", help="stay, and stop on Ctrl-C")
    parser.add_argument("--timeout", type=float, default=60.0, metavar="S", help="seconds to wait")


def _sysctls(text: str) -> str:
    try:
        return ",".join(parse_sysctl_patterns(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: give 1 to 65535")
    return int(text)


def run(args: argparse.Namespace) -> int:
    cluster = chosen_cluster(args)
    began = time.monotonic()
    running = live_record(cluster)
    if running is not None:
        _refuse_other_settings(args, running)
        record = _wait_for_other(cluster, running, began + args.timeout)
        _enter(args, record, f"Cluster {cluster.name} is already running")
        return OK
    data_dir = Path(args.data_dir or cluster.default_data_dir).absolute()
    log = _prepare(data_dir)
    process, log_start = _start(args, cluster, data_dir, log)
    yaml_parser()  # imported while the daemon starts
    try:
        record = _wait_until_ready(cluster, process, log, log_start, began + args.timeout)
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        raise
    _enter(args, record, f"Cluster {cluster.name} is ready in {time.monotonic() - began:.1f} s")
    if args.foreground:
        return _stay(process)
    process.returncode = OK  # it outlives this command on purpose
    return OK


def _refuse_other_settings(args: argparse.Namespace, record: Record) -> None:
    given = {name: getattr(args, name) for name in _SAME if getattr(args, name) is not None}
    if "data_dir" in given:
        given["data_dir"] = str(Path(given["data_dir"]).absolute())
    other = [
        f"--{name.replace('_', '-')} {_shown(record.get(_SAME[name]))}"
        for name, value in given.items()
        if record.get(_SAME[name]) not in (None, value)
    ]
    port = args.api_port
    if port is not None and not str(record.get("api", "")).endswith(f":{port}"):
        other.append(f"API at {record.get('api')}")
    if other:
        name = record["cluster"]
        raise CliError(
            f'the cluster "{name}" already runs with {", ".join(other)}: `mk down --cluster '
            f"{name}` first, or give another name with --cluster"
        )


def _shown(value: object) -> str:
    return str(value) or "''"


def _prepare(data_dir: Path) -> Path:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        data_dir.chmod(0o700)
        log = data_dir / "daemon.log"
        log.touch(mode=0o600)
    except OSError as error:
        raise CliError(
            f"cannot use {data_dir} ({error.strerror}): use sudo, or choose another with --data-dir"
        ) from error
    return log


def _start(
    args: argparse.Namespace, cluster: Cluster, data_dir: Path, log: Path
) -> "tuple[subprocess.Popen[bytes], int]":
    command = daemon_command(args, cluster, data_dir)
    for name in (
        "runtime",
        "service_proxy",
        "pod_cidr",
        "service_cidr",
        "api_port",
        "ingress_http_port",
        "ingress_https_port",
        "nodes",
        "allowed_unsafe_sysctls",
        "zones",
    ):
        if getattr(args, name) is not None:
            command += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
    if args.foreground:
        return subprocess.Popen([*command, "--foreground"], env=environment()), 0
    with log.open("ab") as file:
        start = file.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=environment(),
            cwd="/",
            start_new_session=True,
        )
    return process, start


def _wait_until_ready(
    cluster: Cluster,
    process: "subprocess.Popen[bytes]",
    log: Path,
    log_start: int,
    deadline: float,
) -> Record:
    while True:
        ended = process.poll() is not None
        record = live_record(cluster)
        if record is not None and record.get("ready") and int(record["pid"]) == process.pid:
            return record
        if ended:
            raise CliError(_last_words(log, log_start))
        if time.monotonic() > deadline:
            process.send_signal(signal.SIGINT)
            raise CliError(
                f"the cluster did not get ready in time and was stopped; {log} says why "
                "(more time: --timeout)"
            )
        time.sleep(_POLL_SECONDS)


def _wait_for_other(cluster: Cluster, record: Record, deadline: float) -> Record:
    """Someone else's `mk up` may still be at it."""
    while not record.get("ready"):
        if not is_alive(record):
            raise CliError("the daemon ended while it was starting: try `mk up` again")
        if time.monotonic() > deadline:
            raise CliError(
                f"the daemon (pid {record['pid']}) runs but is not ready; "
                f"{record.get('dataDir')}/daemon.log says why"
            )
        time.sleep(_POLL_SECONDS)
        record = live_record(cluster) or record
    return record


def _last_words(log: Path, start: int) -> str:
    """The last `error:` line since this start, else the last line of all."""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start, size - _LOG_TAIL_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    errors = [line for line in lines if line.startswith("error:")]
    if errors:
        return errors[-1].removeprefix("error:").strip()
    if shutil.disk_usage(log.parent).free < _LEAST_FREE_BYTES:
        return f"the disk that holds {log.parent} is full: free some space, then `mk up` again"
    last = next((line for line in reversed(lines) if line.strip()), "it wrote nothing")
    return f"the daemon did not start ({last.strip()}); {log} has all it wrote"


def _enter(args: argparse.Namespace, record: Record, title: str) -> None:
    source = Path(str(record.get("kubeconfig") or ""))
    place = ""
    try:
        if os.access(source, os.R_OK):
            target = merge_into(config_paths(getattr(args, "kubeconfig", None)), source)
            place = f"{target} (context {record['cluster']})"
        else:
            warn(f"{source} is not readable for you: run `sudo mk up` to enter it in yours")
    except CliError as error:
        warn(f"{error.message}; use --kubeconfig {source}")
        place = str(source)
    _print_summary(record, title, place)


def _print_summary(record: Record, title: str, kubeconfig: str) -> None:
    rows = [("API", record.get("api")), ("kubeconfig", kubeconfig)]
    ports = [
        f"{scheme}://localhost{'' if port == usual else f':{port}'}"
        for scheme, port, usual in (
            ("http", record.get("ingressHttpPort"), 80),
            ("https", record.get("ingressHttpsPort"), 443),
        )
        if port
    ]
    rows.append(("Ingress", "  ".join(ports)))
    addresses = [
        f"{word} {record[name]}"
        for word, name in (("Pods", "podCIDR"), ("Services", "serviceCIDR"), ("DNS", "dns"))
        if record.get(name)
    ]
    rows += [("addresses", "  ".join(addresses)), ("state, log", record.get("dataDir"))]
    if record.get("runtime") == "simulated":
        rows.append(("runtime", "simulated: pods exist on paper only"))
    print(styled(title, "bold"))
    for name, value in rows:
        if value:
            print(f"  {styled(name.ljust(12), 'dim')}{value}")
    named = "" if record["cluster"] == "mk" else f" --cluster {record['cluster']}"
    print(
        f"Next: {styled('mk apply -f FILE --wait', 'cyan')}, then `mk get pods`, `mk status{named}`"
    )


def _stay(process: "subprocess.Popen[bytes]") -> int:
    """Ctrl-C reaches the daemon by itself (same terminal); a plain kill is passed on."""
    signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGTERM))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            if is_terminal(sys.stderr):
                print("stopping…", file=sys.stderr)
