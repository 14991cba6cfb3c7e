"""Pods of files in a folder of the node: for each there is a Pod in the API, made again when it is
deleted, replaced when its file changes, deleted with its file.

Kubernetes' kubelet runs such a pod even without an API and shows a mirror of it there. Here API and
kubelet are one process, so the Pod in the API is the pod: names, annotations and owner are those of
a mirror pod. The folder is looked at every two seconds, a few microseconds each.
"""

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from minikube_py.control_loop.informer import Informer
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import NODE, POD
from minikube_py.meta.encoding import encode
from minikube_py.meta.errors import ApiError, Conflict, NotFound
from minikube_py.meta.objects import (
    Object,
    annotations_of,
    get_path,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
)
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources

log = logging.getLogger(__name__)

HASH = "kubernetes.io/config.hash"
SOURCE = "kubernetes.io/config.source"
MIRROR = "kubernetes.io/config.mirror"
_FILE = "file"
_ENDINGS = (".yaml", ".yml", ".json")
_LOOK_SECONDS = 2.0
_Key = tuple[str, str]  # namespace, name
_Seen = frozenset[tuple[str, int, int]]


class StaticPods:
    def __init__(
        self,
        folder: Path,
        node_name: str,
        resources: Resources,
        pods: Informer,
        recorder: Recorder,
    ) -> None:
        self._folder = folder
        self._node_name = node_name
        self._resources = resources
        self._pods = pods
        self._recorder = recorder
        self._wake = asyncio.Event()
        self._seen: _Seen = frozenset()
        self._told: set[tuple[str, str]] = set()
        self._unfinished = True
        """Something is not yet as the files say."""

    async def run(self) -> None:
        """Ends only by cancellation."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._pods.subscribe(self._on_pod)
        while True:
            seen = _look(self._folder)
            if seen != self._seen or self._unfinished:
                self._seen = seen
                await self._follow()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._wake.wait()
            self._wake.clear()

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None and self._is_own(old):
            self._unfinished = True
            self._wake.set()

    def _is_own(self, pod: Object) -> bool:
        from_file = annotations_of(pod).get(SOURCE) == _FILE and MIRROR in annotations_of(pod)
        return from_file and get_path(pod, "spec", "nodeName") == self._node_name

    async def _follow(self) -> None:
        """Makes the API's pods be those of the files."""
        self._unfinished = False
        wanted = self._read()
        for pod in [pod for pod in self._pods.list() if self._is_own(pod)]:
            found = wanted.pop((namespace_of(pod), name_of(pod)), None)
            if is_deleting(pod):
                continue  # seen again when it is gone
            if found is None or annotations_of(found)[HASH] != annotations_of(pod).get(HASH):
                await self._delete(pod)
        for pod in wanted.values():
            await self._create(pod)

    async def _delete(self, pod: Object) -> None:
        with suppress(NotFound, Conflict):
            options = DeleteOptions(uid=uid_of(pod))
            await self._resources.delete(POD, namespace_of(pod), name_of(pod), options)

    async def _create(self, pod: Object) -> None:
        node = self._resources.get_or_none(NODE, None, self._node_name)
        try:
            made = static_pod(pod, self._node_name, uid_of(node) if node else "")
            await self._resources.create(POD, namespace_of(pod), made)
        except ApiError as error:
            self._unfinished = True
            self._complain(name_of(pod), f"static pod {name_of(pod)} can't be made: {error}")

    # -- files ---------------------------------------------------------------------------------

    def _read(self) -> dict[_Key, Object]:
        found: dict[_Key, Object] = {}
        for name, _, _ in sorted(self._seen):
            try:
                for pod in _pods_in(self._folder / name):
                    named = named_for(pod, self._node_name)
                    found[namespace_of(named), name_of(named)] = named
            except (OSError, ValueError, TypeError) as error:
                self._complain(name, f"static pod file {self._folder / name}: {error}")
        return found

    def _complain(self, about: str, message: str) -> None:
        """Once, where an administrator looks: at the node."""
        if (about, message) in self._told:
            return
        self._told.add((about, message))
        log.warning("%s", message)
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self._node_name}}
        self._recorder.record(node, "Warning", "FailedStaticPod", message)


def named_for(pod: Object, node_name: str) -> Object:
    """The pod of a file as it is called on this node, with the hash of what the file says."""
    digest = hashlib.sha256(encode(pod)).hexdigest()[:32]
    metadata = dict(pod.get("metadata") or {})
    metadata["name"] = f"{metadata['name']}-{node_name}"
    metadata["namespace"] = metadata.get("namespace") or "default"
    metadata["annotations"] = {**(metadata.get("annotations") or {}), HASH: digest}
    return {**pod, "metadata": metadata}


def static_pod(pod: Object, node_name: str, node_uid: str) -> Object:
    """What is created: bound to its node, owned by it, and never evicted by taints."""
    metadata, spec = dict(pod["metadata"]), dict(pod.get("spec") or {})
    own = metadata["annotations"]
    metadata["annotations"] = {**own, SOURCE: _FILE, MIRROR: own[HASH]}
    owner = {"apiVersion": "v1", "kind": "Node", "name": node_name, "uid": node_uid}
    metadata["ownerReferences"] = [{**owner, "controller": True}] if node_uid else []
    everything = {"operator": "Exists", "effect": "NoExecute"}
    spec["tolerations"] = [*(spec.get("tolerations") or []), everything]
    spec["nodeName"] = node_name
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _look(folder: Path) -> _Seen:
    """Names, times and sizes; hidden files and editors' leftovers are none."""
    return frozenset(_entries(folder)) if folder.is_dir() else frozenset()


def _entries(folder: Path) -> Iterator[tuple[str, int, int]]:
    for path in folder.iterdir():
        if path.suffix in _ENDINGS and not path.name.startswith("."):
            with suppress(OSError):
                state = path.stat()
                yield path.name, state.st_mtime_ns, state.st_size


def _pods_in(path: Path) -> Iterator[Object]:
    """Raises ValueError, OSError."""
    import yaml  # only a node with such files pays for it

    try:
        documents = list(yaml.safe_load_all(path.read_text()))
    except yaml.YAMLError as error:
        raise ValueError(f"is no YAML: {error}") from error
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict) or document.get("kind") != "Pod":
            raise ValueError("holds something else than Pods")
        if not _name(document):
            raise ValueError("a Pod in it has no metadata.name")
        yield document


def _name(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""
