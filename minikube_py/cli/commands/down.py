"""`mk down`: stops pods and daemon, keeps state and volumes."""

import argparse
import signal

from minikube_py.cli.errors import OK
from minikube_py.cli.lifecycle import add_cluster_flag, chosen_cluster, mk_command
from minikube_py.cli.record import live_record, stop


def configure(parser: argparse.ArgumentParser) -> None:
    add_cluster_flag(parser)
    parser.add_argument(
        "--keep-pods", action="store_true", help="stop the daemon only; containers go on running"
    )
    parser.add_argument("--timeout", type=float, default=90.0, metavar="S", help="seconds to wait")


def run(args: argparse.Namespace) -> int:
    cluster = chosen_cluster(args)
    record = live_record(cluster)
    if record is None:
        print(f"Cluster {cluster.name} is not running")
        return OK
    # The daemon's two ways to stop: SIGTERM with its pods, SIGINT without them.
    stop(record, signal.SIGINT if args.keep_pods else signal.SIGTERM, args.timeout)
    kept = "its pods go on running" if args.keep_pods else "its state and volumes are kept"
    again = mk_command("up", cluster.name)
    print(f"Cluster {cluster.name} is stopped; {kept}. {again} starts it again")
    return OK
