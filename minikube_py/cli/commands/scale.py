"""`mk scale`: sets the number of replicas through the /scale subresource."""

import argparse

from minikube_py.cli.durations import parse_duration
from minikube_py.cli.errors import OK, USAGE, ApiFailure, CliError
from minikube_py.cli.progress import wait_until_ready
from minikube_py.cli.rest import MERGE
from minikube_py.cli.session import open_session
from minikube_py.cli.targets import add_manifest_flags, find_targets, manifest_targets
from minikube_py.meta.objects import get_path


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="TYPE NAME… | TYPE/NAME…")
    parser.add_argument("--replicas", type=int, required=True, metavar="N")
    parser.add_argument("--current-replicas", type=int, metavar="N", help="only if there are N")
    parser.add_argument("--wait", action="store_true", help="until all are ready")
    parser.add_argument("--timeout", default="5m", metavar="T", help="for --wait")
    add_manifest_flags(parser)


def run(args: argparse.Namespace) -> int:
    if args.replicas < 0:
        raise CliError("--replicas must be 0 or more", code=USAGE)
    session = open_session(args)
    if args.filename:
        targets = manifest_targets(session, args.filename, recursive=args.recursive)
    else:
        targets = find_targets(session, args.what)
    for target in targets:
        if target.name is None:
            raise CliError("name what to scale, e.g. `mk scale deploy/web --replicas 3`", code=2)
        path = target.resource.path(target.namespace, target.name, "scale")
        body: dict[str, object] = {"spec": {"replicas": args.replicas}}
        if args.current_replicas is not None:
            now = session.client.get(path)
            if get_path(now, "spec", "replicas", default=0) != args.current_replicas:
                raise CliError(f"{target.title} has {get_path(now, 'spec', 'replicas')} replicas")
            body["metadata"] = {"resourceVersion": now["metadata"]["resourceVersion"]}
        query = {"fieldManager": "mk"}
        try:
            session.client.request("PATCH", path, query, body, content_type=MERGE)
        except ApiFailure as error:
            if error.http_code == 404 and not error.details.get("name"):
                raise CliError(f"a {target.resource.kind} has no replicas to scale") from error
            raise
        print(f"{target.title} scaled")
    if args.wait:
        wait_until_ready(session, targets, timeout=parse_duration(args.timeout))
    return OK
