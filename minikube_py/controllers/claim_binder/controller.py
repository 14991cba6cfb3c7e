"""Carries out binding, provisioning and reclaiming (Kubernetes' persistentvolume pv_controller).

One queue for both kinds: a key with a namespace is a claim's, one without a volume's. Whether a
volume is free is decided inside the write that takes it, so two claims never get the same one.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from minikube_py.control_loop.claims import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    NO_PROVISIONER,
    SELECTED_NODE,
    best_volume,
    class_of,
    is_claimed_by,
    requested_size,
    satisfies,
    volume_size,
    waits_for_consumer,
)
from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.node_affinity import volume_reaches_node
from minikube_py.control_loop.recorder import Recorder
from minikube_py.controllers.claim_binder import volumes as make
from minikube_py.controllers.claim_binder.provisioner import (
    DOCKER_VOLUME,
    PROVISIONER,
    VolumeProvisioner,
)
from minikube_py.kinds.catalog import (
    NODE,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    STORAGE_CLASS,
)
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import AlreadyExists, Conflict, NotFound
from minikube_py.meta.objects import (
    Key,
    Object,
    annotations_of,
    get_path,
    is_deleting,
    key_of,
    make_key,
    name_of,
    namespace_of,
    split_key,
    uid_of,
)
from minikube_py.resources.options import DeleteOptions
from minikube_py.resources.resources import Resources

log = logging.getLogger(__name__)


def new_claim_binder_controller(
    resources: Resources,
    informers: Informers,
    recorder: Recorder,
    *,
    provisioner: VolumeProvisioner,
    volume_name: Callable[[str], str] = lambda name: name,
) -> Controller:
    """`volume_name` gives a PersistentVolume's name at the container engine."""
    seen = _Seen(
        claims=informers.of(PERSISTENT_VOLUME_CLAIM),
        volumes=informers.of(PERSISTENT_VOLUME),
        classes=informers.of(STORAGE_CLASS),
        nodes=informers.of(NODE),
    )
    binder = _Binder(resources, seen, recorder, provisioner, volume_name)
    controller = Controller("claim-binder", binder.reconcile, workers=4)
    controller.watches(seen.claims)
    controller.watches(seen.claims, _volume_keys)
    controller.watches(seen.volumes)
    controller.watches(seen.volumes, binder.claims_for)
    controller.watches(seen.classes, binder.claims_of_class)
    controller.reads(seen.nodes)
    return controller


@dataclass(frozen=True)
class _Seen:
    claims: Informer
    volumes: Informer
    classes: Informer
    nodes: Informer


class _Binder:
    def __init__(
        self,
        resources: Resources,
        seen: _Seen,
        recorder: Recorder,
        provisioner: VolumeProvisioner,
        volume_name: Callable[[str], str],
    ) -> None:
        self._resources = resources
        self._seen = seen
        self._recorder = recorder
        self._provisioner = provisioner
        self._volume_name = volume_name

    def claims_for(self, volume: Object) -> list[Key]:
        """Whom a volume's change concerns: its claim, or all that are looking for one."""
        reference = get_path(volume, "spec", "claimRef")
        if reference is not None:
            return [make_key(reference.get("namespace"), reference.get("name", ""))]
        return [key_of(claim) for claim in self._seen.claims.list() if _is_looking(claim)]

    def claims_of_class(self, storage_class: Object) -> list[Key]:
        name = name_of(storage_class)
        return [
            key_of(claim)
            for claim in self._seen.claims.list()
            if _is_looking(claim) and class_of(claim) == name
        ]

    async def reconcile(self, key: Key) -> None:
        namespace, name = split_key(key)
        if namespace is None:
            volume = self._resources.get_or_none(PERSISTENT_VOLUME, None, name)
            if volume is not None:
                await self._reconcile_volume(volume)
            return
        claim = self._resources.get_or_none(PERSISTENT_VOLUME_CLAIM, namespace, name)
        if claim is None:
            return
        if BIND_COMPLETED in annotations_of(claim):
            await self._keep_bound(claim)
        elif not is_deleting(claim):
            await self._find_volume(claim)

    # --- claims ----------------------------------------------------------------------------------

    async def _find_volume(self, claim: Object) -> None:
        wanted = get_path(claim, "spec", "volumeName")
        if wanted:
            await self._take_named(claim, wanted)
            return
        storage_class = self._seen.classes.get_named(None, class_of(claim))
        node = annotations_of(claim).get(SELECTED_NODE, "")
        waits = waits_for_consumer(storage_class) and not node
        volume = best_volume(self._reachable(node, reserved_only=waits, claim=claim), claim)
        if volume is not None:
            await self._bind(claim, volume)
        elif waits:
            await self._pend(
                claim,
                "Normal",
                "WaitForFirstConsumer",
                "waiting for first consumer to be created before binding",
            )
        elif class_of(claim):
            await self._provision(claim, storage_class, node)
        else:
            await self._pend(
                claim,
                "Normal",
                "FailedBinding",
                "no persistent volumes available for this claim and no storage class is set",
            )

    def _reachable(self, node: str, *, reserved_only: bool, claim: Object) -> list[Object]:
        """Volumes the claim may take; before its node is known only one reserved for it."""
        found = self._seen.volumes.list()
        if reserved_only:
            return [volume for volume in found if is_claimed_by(volume, claim)]
        there = self._seen.nodes.get_named(None, node) if node else None
        return [volume for volume in found if there is None or volume_reaches_node(volume, there)]

    async def _take_named(self, claim: Object, name: str) -> None:
        volume = self._resources.get_or_none(PERSISTENT_VOLUME, None, name)
        if volume is None:
            message = f'volume "{name}" not found; it is bound as soon as it is created'
            await self._pend(claim, "Warning", "FailedBinding", message)
            return
        if get_path(volume, "spec", "claimRef") is not None and not is_claimed_by(volume, claim):
            message = f'volume "{name}" already bound to a different claim.'
            await self._pend(claim, "Warning", "FailedBinding", message)
            return
        if not satisfies(volume, claim):
            message = (
                f'Cannot bind to requested volume "{name}": its storage class, access modes or '
                "size are not what the claim asks for"
            )
            await self._pend(claim, "Warning", "VolumeMismatch", message)
            return
        await self._bind(claim, volume)

    async def _keep_bound(self, claim: Object) -> None:
        name = get_path(claim, "spec", "volumeName", default="")
        volume = self._resources.get_or_none(PERSISTENT_VOLUME, None, name) if name else None
        if volume is None:
            message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
            await self._lose(claim, "ClaimLost", message)
        elif get_path(volume, "spec", "claimRef") is None or is_claimed_by(volume, claim):
            await self._bind(claim, await self._grown(claim, volume))
        else:
            message = "Two claims are bound to the same volume, this one is bound incorrectly"
            await self._lose(claim, "ClaimMisbound", message)

    async def _bind(self, claim: Object, volume: Object) -> None:
        """Four writes, each of which may have been done by an earlier try."""

        def reserve(fresh: Object) -> None:
            if not make.reserve(fresh, claim):
                raise Conflict(f"volume {name_of(fresh)!r} was taken by another claim meanwhile")

        volume = await self._resources.modify(PERSISTENT_VOLUME, None, name_of(volume), reserve)
        await self._set_phase(volume, "Bound")
        namespace, name = namespace_of(claim), name_of(claim)

        def settle(fresh: Object) -> None:
            _require_same(PERSISTENT_VOLUME_CLAIM, claim, fresh)
            make.settle(fresh, volume)

        try:
            await self._resources.modify(PERSISTENT_VOLUME_CLAIM, namespace, name, settle)
            written = await self._resources.update_status(
                PERSISTENT_VOLUME_CLAIM,
                namespace,
                name,
                lambda fresh: fresh.update(status=make.bound_status(fresh, volume)),
            )
        except NotFound:
            return
        await self._seen.claims.observed(written)

    async def _grown(self, claim: Object, volume: Object) -> Object:
        """A claim that asks for more gets it: the storage has no limit of its own."""
        storage_class = self._seen.classes.get_named(None, class_of(claim)) or {}
        if (
            requested_size(claim) <= volume_size(volume)
            or not storage_class.get("allowVolumeExpansion")
            or not make.is_ours(volume)
        ):
            return volume
        size = claim["spec"]["resources"]["requests"]["storage"]
        grown = await self._resources.modify(
            PERSISTENT_VOLUME,
            None,
            name_of(volume),
            lambda fresh: fresh["spec"].update(capacity={"storage": size}),
        )
        message = f"volume {name_of(volume)} has {size} now"
        self._recorder.record(claim, "Normal", "VolumeResizeSuccessful", message)
        return grown

    async def _provision(self, claim: Object, storage_class: Object | None, node: str) -> None:
        if storage_class is None:
            message = f'storageclass.storage.k8s.io "{class_of(claim)}" not found'
            await self._pend(claim, "Warning", "ProvisioningFailed", message)
            return
        provisioner = storage_class.get("provisioner", "")
        if provisioner == NO_PROVISIONER:
            message = (
                "no volume plugin matched name: kubernetes.io/no-provisioner; "
                "create a PersistentVolume for this claim"
            )
            await self._pend(claim, "Warning", "ProvisioningFailed", message)
            return
        if provisioner != PROVISIONER:
            message = (
                "Waiting for a volume to be created either by the external provisioner "
                f"'{provisioner}' or manually by the system administrator. If volume creation is "
                "delayed, please verify that the provisioner is running and correctly registered."
            )
            await self._pend(claim, "Normal", "ExternalProvisioning", message)
            return
        if problem := make.unprovisionable(claim):
            message = f'failed to provision volume with StorageClass "{class_of(claim)}": {problem}'
            await self._pend(claim, "Warning", "ProvisioningFailed", message)
            return
        await self._bind(claim, await self._create_volume(claim, storage_class, node))

    async def _create_volume(self, claim: Object, storage_class: Object, node: str) -> Object:
        name = make.provisioned_name(claim)
        engine_name = self._volume_name(name)
        labels = {"io.kubernetes.pvc.namespace": namespace_of(claim)}
        labels["io.kubernetes.pvc.name"] = name_of(claim)
        try:
            path = await self._provisioner.create_volume(engine_name, labels)
        except Exception as error:
            message = f'failed to provision volume with StorageClass "{class_of(claim)}": {error}'
            self._recorder.record(claim, "Warning", "ProvisioningFailed", message)
            raise
        node = node or make.the_only(self._seen.nodes.list())
        body = make.provisioned_volume(claim, storage_class, engine_name, path, node)
        try:
            written = (await self._resources.create(PERSISTENT_VOLUME, None, body)).object
        except AlreadyExists:
            return self._resources.get(PERSISTENT_VOLUME, None, name)
        log.info("volume made volume=%s claim=%s", name, key_of(claim))
        message = f"Successfully provisioned volume {name} using {PROVISIONER}"
        self._recorder.record(claim, "Normal", "ProvisioningSucceeded", message)
        return written

    async def _pend(self, claim: Object, type_: str, reason: str, message: str) -> None:
        self._recorder.record(claim, "Warning" if type_ == "Warning" else "Normal", reason, message)
        await self._set_claim_phase(claim, "Pending")

    async def _lose(self, claim: Object, reason: str, message: str) -> None:
        if get_path(claim, "status", "phase") != "Lost":
            self._recorder.record(claim, "Warning", reason, message)
        await self._set_claim_phase(claim, "Lost")

    async def _set_claim_phase(self, claim: Object, phase: str) -> None:
        def change(fresh: Object) -> None:
            _require_same(PERSISTENT_VOLUME_CLAIM, claim, fresh)
            fresh["status"] = {**(fresh.get("status") or {}), "phase": phase}

        namespace, name = namespace_of(claim), name_of(claim)
        try:
            await self._resources.update_status(PERSISTENT_VOLUME_CLAIM, namespace, name, change)
        except NotFound:
            return

    # --- volumes ---------------------------------------------------------------------------------

    async def _reconcile_volume(self, volume: Object) -> None:
        reference = get_path(volume, "spec", "claimRef")
        if reference is None or not reference.get("uid"):
            await self._set_phase(volume, "Available")
            return
        claim = self._resources.get_or_none(
            PERSISTENT_VOLUME_CLAIM, reference.get("namespace"), reference.get("name", "")
        )
        if claim is None or uid_of(claim) != reference["uid"]:
            await self._reclaim(volume)
        elif get_path(claim, "spec", "volumeName") == name_of(volume):
            await self._set_phase(volume, "Bound")
        elif get_path(claim, "spec", "volumeName"):
            # The claim took another one. What was made for it goes, what was found is free again.
            await self._give_back(volume)

    async def _give_back(self, volume: Object) -> None:
        if make.is_ours(volume):
            await self._reclaim(volume)
        elif BOUND_BY_CONTROLLER in annotations_of(volume):
            freed = await self._resources.modify(
                PERSISTENT_VOLUME, None, name_of(volume), make.free
            )
            await self._set_phase(freed, "Available")

    async def _reclaim(self, volume: Object) -> None:
        """Its claim is gone: by the policy the volume goes, too, or stays for somebody to look."""
        await self._set_phase(volume, "Released")
        policy = get_path(volume, "spec", "persistentVolumeReclaimPolicy", default="Retain")
        if policy == "Recycle":
            message = "Recycle is not supported; use Delete or Retain"
            self._recorder.record(volume, "Warning", "VolumeRecycleFailed", message)
        if policy != "Delete":
            return
        if not make.is_ours(volume):
            message = "nothing here made this volume, so nothing here deletes it"
            self._recorder.record(volume, "Warning", "VolumeFailedDelete", message)
            await self._set_phase(volume, "Failed")
            return
        try:
            await self._provisioner.remove_volume(annotations_of(volume)[DOCKER_VOLUME])
        except Exception as error:
            self._recorder.record(volume, "Warning", "VolumeFailedDelete", str(error))
            raise
        log.info("volume removed volume=%s", name_of(volume))
        options = DeleteOptions(uid=uid_of(volume))
        try:
            await self._resources.delete(PERSISTENT_VOLUME, None, name_of(volume), options)
        except NotFound:
            return

    async def _set_phase(self, volume: Object, phase: str) -> None:
        def change(fresh: Object) -> None:
            _require_same(PERSISTENT_VOLUME, volume, fresh)
            fresh["status"] = {**(fresh.get("status") or {}), "phase": phase}

        try:
            await self._resources.update_status(PERSISTENT_VOLUME, None, name_of(volume), change)
        except NotFound:
            return


def _is_looking(claim: Object) -> bool:
    return BIND_COMPLETED not in annotations_of(claim)


def _volume_keys(claim: Object) -> list[Key]:
    name = get_path(claim, "spec", "volumeName")
    return [make_key(None, name)] if name else []


def _require_same(kind: Kind, expected: Object, actual: Object) -> None:
    if uid_of(expected) != uid_of(actual):
        raise Conflict(f"{kind.resource} {name_of(actual)!r} was replaced meanwhile")
