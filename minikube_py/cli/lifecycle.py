"""What `up`, `down`, `purge` and `status` share: the cluster's name, how its daemon is called."""

import argparse
import os
import sys
from pathlib import Path

import minikube_py
from minikube_py.cli.errors import USAGE, CliError
from minikube_py.cli.kubeconfig import config_paths
from minikube_py.meta.cluster import DEFAULT_CLUSTER, BadClusterName, Cluster


def add_cluster_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cluster",
        default=os.environ.get("MK_CLUSTER", DEFAULT_CLUSTER),
        metavar="N",
        help=f"the cluster's name (default: MK_CLUSTER, else {DEFAULT_CLUSTER})",
    )


def chosen_cluster(args: argparse.Namespace) -> Cluster:
    try:
        return Cluster(args.cluster)
    except BadClusterName as error:
        raise CliError(str(error), code=USAGE) from error


def mk_command(word: str, cluster: str) -> str:
    """What to type next, for this very cluster."""
    chosen = os.environ.get("MK_CLUSTER", DEFAULT_CLUSTER)
    return f"`mk {word}`" if cluster == chosen else f"`mk {word} --cluster {cluster}`"


def daemon_command(args: argparse.Namespace, cluster: Cluster, data_dir: Path) -> list[str]:
    kubeconfig = config_paths(getattr(args, "kubeconfig", None))[0]
    command = [sys.executable, "-m", "minikube_py.daemon", "--cluster", cluster.name]
    command += ["--data-dir", str(data_dir), "--kubeconfig", str(kubeconfig)]
    return [*command, "--verbose"] if getattr(args, "verbose", False) else command


def environment() -> dict[str, str]:
    """The daemon finds the same package this command is, whatever folder it starts in."""
    package_parent = str(Path(minikube_py.__file__).parents[1])
    known = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": f"{package_parent}{os.pathsep}{known}" if known else package_parent,
    }
