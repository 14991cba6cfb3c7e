"""`mk purge`: removes the cluster and all it made on this host."""

import argparse
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from minikube_py.cli.errors import OK, USAGE, CliError
from minikube_py.cli.kubeconfig import config_paths, forget_discovery, remove_context
from minikube_py.cli.lifecycle import add_cluster_flag, chosen_cluster, daemon_command, environment
from minikube_py.cli.record import live_record, read_record, stop
from minikube_py.cli.terminal import is_terminal
from minikube_py.meta.cluster import Cluster, record_paths

_ROUTINE = re.compile(r"[-0-9]+ [:,0-9]+ [DI] ")  # log lines of a purge as it should be
_MARKS = ("daemon.log", "kubeconfig", "store.db")


def configure(parser: argparse.ArgumentParser) -> None:
    add_cluster_flag(parser)
    parser.add_argument("--data-dir", metavar="D", help="where the cluster keeps its state")
    parser.add_argument("-y", "--yes", action="store_true", help="don't ask")
    parser.add_argument("--timeout", type=float, default=90.0, metavar="S", help="seconds to wait")


def run(args: argparse.Namespace) -> int:
    cluster = chosen_cluster(args)
    record = read_record(cluster) or {}
    data_dir = Path(args.data_dir or record.get("dataDir") or cluster.default_data_dir).absolute()
    _require_state(data_dir)
    had_state = data_dir.is_dir()
    if not args.yes and (record or had_state):
        _ask(cluster, data_dir)
    running = live_record(cluster)
    if running is not None:
        # Pods are not asked to end: what they would save is removed.
        stop(running, signal.SIGINT, args.timeout)
    command = [*daemon_command(args, cluster, data_dir), "--purge"]
    if record.get("runtime"):
        command += ["--runtime", str(record["runtime"])]
    done = subprocess.run(
        command, env=environment(), stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise CliError(_last_line(done.stderr))
    for line in done.stderr.splitlines():
        if not _ROUTINE.match(line) or getattr(args, "verbose", False):
            print(line, file=sys.stderr)
    _remove_state(data_dir)
    for path in record_paths(cluster):
        if path.exists():
            path.unlink()
    paths = config_paths(getattr(args, "kubeconfig", None))
    forget_discovery(paths, cluster.name)
    remove_context(paths, cluster.name)
    if not record and not had_state:
        print(f"Cluster {cluster.name} does not exist; nothing of it is left on this host")
        return OK
    print(f"Cluster {cluster.name} is gone, with its containers, volumes, networks and state")
    return OK


def _ask(cluster: Cluster, data_dir: Path) -> None:
    if not is_terminal(sys.stdin):
        raise CliError("this removes volumes and all data: add --yes to mean it", code=USAGE)
    answer = input(
        f"Remove the cluster {cluster.name}, its containers, volumes and {data_dir}? [y/N] "
    )
    if answer.strip().lower() not in ("y", "yes"):
        raise CliError("nothing was removed")


def _require_state(data_dir: Path) -> None:
    """Only a folder that holds a cluster's state is removed: --data-dir may have been mistyped."""
    if not data_dir.is_dir():
        return
    try:
        strange = any(data_dir.iterdir()) and not any((data_dir / m).exists() for m in _MARKS)
    except OSError as error:
        raise CliError(f"cannot read {data_dir}: {error.strerror}; use sudo") from error
    if strange:
        raise CliError(f"{data_dir} holds no cluster's state: check --data-dir")


def _remove_state(data_dir: Path) -> None:
    if not data_dir.is_dir():
        return
    try:
        shutil.rmtree(data_dir)
    except OSError as error:
        raise CliError(f"cannot remove {error.filename}: {error.strerror}; use sudo") from error


def _last_line(text: str) -> str:
    lines = [line.removeprefix("error:").strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "the daemon could not remove everything"
