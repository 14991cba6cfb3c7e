"""Annotations by which mk makes developing quicker; other clusters ignore them.

`mk.dev/restart-backoff` on a Pod or its Namespace is the longest a crashing container waits before
it starts again. `mk.dev/restarted-at` on a Pod is what `mk restart` writes: containers that began
before that time start again now. `mk.dev/restart-on-change: "true"` on a Deployment, StatefulSet
or DaemonSet, or on its Pods' template, rolls it when a ConfigMap or Secret that its Pods show
changes; `mk.dev/shown-content` is the hash of what they were given last. `mk.dev/start-trace` says
where the time of a Pod's start went (JSON, milliseconds). `mk.dev/logical-node` marks Nodes that
are played by one host: `<which> of <how many>`.
"""

from collections.abc import Mapping
from typing import Any

from minikube_py.kinds.fields import invalid
from minikube_py.meta.durations import parse_duration
from minikube_py.meta.errors import FieldError
from minikube_py.meta.timestamps import parse_time

RESTART_BACKOFF = "mk.dev/restart-backoff"
RESTARTED_AT = "mk.dev/restarted-at"
START_TRACE = "mk.dev/start-trace"
RESTART_ON_CHANGE = "mk.dev/restart-on-change"
SHOWN_CONTENT = "mk.dev/shown-content"
LOGICAL_NODE = "mk.dev/logical-node"


LEAST_BACKOFF, LONGEST_BACKOFF = 0.01, 300.0
"""Seconds. Less would keep the engine busy with nothing else, more than Kubernetes waits is no
shortening.
"""


def validate_dev_annotations(annotations: Mapping[str, Any], path: str) -> list[FieldError]:
    """`path` is that of the annotations."""
    errors: list[FieldError] = []
    for name, parse in ((RESTART_BACKOFF, _parse_backoff), (RESTARTED_AT, parse_time)):
        value = annotations.get(name)
        if value is None:
            continue
        try:
            parse(value)
        except ValueError as error:
            errors.append(invalid(f"{path}[{name}]", value, str(error)))
    return errors


def _parse_backoff(text: str) -> float:
    seconds = parse_duration(text)
    if not LEAST_BACKOFF <= seconds <= LONGEST_BACKOFF:
        raise ValueError("must be between 10ms and 5m")
    return seconds
