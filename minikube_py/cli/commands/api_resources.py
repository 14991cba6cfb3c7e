"""`mk api-resources`: all kinds the cluster serves, with their short names."""

import argparse

from minikube_py.cli.errors import OK
from minikube_py.cli.output import layout
from minikube_py.cli.session import open_session


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=["name"])
    parser.add_argument("--no-headers", action="store_true")


def run(args: argparse.Namespace) -> int:
    resources = sorted(open_session(args).discovery.all(), key=lambda r: (r.group, r.plural))
    if args.output == "name":
        for resource in resources:
            print(resource.full_name)
        return OK
    rows = [] if args.no_headers else [["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]]
    for resource in resources:
        api_version = "/".join(part for part in (resource.group, resource.version) if part)
        short = ",".join(resource.short_names)
        namespaced = str(resource.namespaced).lower()
        rows.append([resource.plural, short, api_version, namespaced, resource.kind])
    print(layout(rows), end="")
    return OK
