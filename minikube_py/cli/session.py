"""What a command that speaks to a cluster starts with: the connection, the kinds, the namespace."""

import argparse
from dataclasses import dataclass

from minikube_py.cli.discovery import Discovery
from minikube_py.cli.kubeconfig import config_paths, find_access
from minikube_py.cli.rest import Client


@dataclass(frozen=True)
class Session:
    client: Client
    discovery: Discovery
    namespace: str
    namespace_given: bool = False


def open_session(args: argparse.Namespace) -> Session:
    """From -n, --context and --kubeconfig; connects when first used."""
    paths = config_paths(getattr(args, "kubeconfig", None))
    access = find_access(paths, getattr(args, "context", None))
    client = Client(access)
    args.clients = [*getattr(args, "clients", []), client]  # main closes them
    given = getattr(args, "namespace", None)
    return Session(client, Discovery(client), given or access.namespace, bool(given))
