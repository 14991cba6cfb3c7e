"""`mk restart`: a pod's containers start again where they are, now, whatever back-off they owe.

It writes one annotation, which the kubelet of mk reads: whatever began before that time starts
again. So it needs no more than the right to patch pods, and survives a restart of the daemon.
"""

import argparse
from collections.abc import Sequence

from minikube_py.cli.errors import OK, USAGE, CliError
from minikube_py.cli.rest import MERGE
from minikube_py.cli.session import Session, open_session
from minikube_py.cli.targets import Target, find_targets
from minikube_py.meta.objects import get_path, is_deleting
from minikube_py.meta.timestamps import format_micro_time, system_clock

RESTARTED_AT = "mk.dev/restarted-at"
_ENDED = ("Succeeded", "Failed")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="POD…")


def run(args: argparse.Namespace) -> int:
    if not args.what:
        raise CliError("name a pod, e.g. `mk restart web-0`", code=USAGE)
    session = open_session(args)
    targets = _pods(session, args.what)
    for target in targets:
        _refuse_the_hopeless(target, session)
    stamp = format_micro_time(system_clock())
    for target in targets:
        body = {"metadata": {"annotations": {RESTARTED_AT: stamp}}}
        query = {"fieldManager": "mk-restart"}
        session.client.request("PATCH", target.path, query, body, content_type=MERGE)
        print(f"{target.title} restarted")
    return OK


def _pods(session: Session, words: Sequence[str]) -> list[Target]:
    if words[0] in ("pod", "pods", "po") and len(words) > 1:
        words = words[1:]
    targets = find_targets(session, [w if "/" in w else f"pod/{w}" for w in words])
    for target in targets:
        if target.resource.kind != "Pod":
            advice = f"`mk rollout restart {target.title}` replaces its pods"
            raise CliError(f"{target.title} is no pod: {advice}", code=USAGE)
    return targets


def _refuse_the_hopeless(target: Target, session: Session) -> None:
    pod = session.client.get(target.path)
    again = "delete it and create it again"
    if is_deleting(pod):
        raise CliError(f"{target.title} is being deleted: wait until it is gone, then create it")
    phase = get_path(pod, "status", "phase")
    if phase in _ENDED:
        raise CliError(f"{target.title} has ended ({phase}): {again}")
    policies = [get_path(pod, "spec", "restartPolicy", default="Always")]
    containers = get_path(pod, "spec", "containers", default=[])
    policies += [one["restartPolicy"] for one in containers if one.get("restartPolicy")]
    if set(policies) == {"Never"}:
        raise CliError(f"{target.title} never restarts (restartPolicy: Never): {again}")
