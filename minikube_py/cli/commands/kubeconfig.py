"""`mk kubeconfig`: a kubeconfig of one cluster alone, e.g. for a script or another machine."""

import argparse
import sys
from pathlib import Path

from minikube_py.cli.errors import OK, CliError
from minikube_py.cli.lifecycle import add_cluster_flag, chosen_cluster
from minikube_py.cli.record import read_record


def configure(parser: argparse.ArgumentParser) -> None:
    add_cluster_flag(parser)


def run(args: argparse.Namespace) -> int:
    cluster = chosen_cluster(args)
    record = read_record(cluster)
    if record is None:
        raise CliError(f'there is no cluster "{cluster.name}" here: `mk up` makes one')
    path = Path(str(record["kubeconfig"]))
    try:
        sys.stdout.write(path.read_text())
    except OSError as error:
        raise CliError(f"cannot read {path} ({error.strerror}): use sudo") from error
    return OK
