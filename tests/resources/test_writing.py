"""Create and update: names, server-owned fields, generation, conflicts, validation of shape."""

import asyncio

import pytest

from minikube_py.kinds.catalog import (
    CONFIG_MAP,
    DEPLOYMENT,
    EVENT,
    EVENTS_EVENT,
    LEASE,
    NODE,
    POD,
    SERVICE,
)
from minikube_py.meta.errors import AlreadyExists, BadRequest, Conflict, Invalid, NotFound
from minikube_py.meta.objects import Object
from minikube_py.resources.options import Patch
from minikube_py.resources.resources import Resources, WriteOptions
from tests.resources.conftest import FakeClock, config_map, deployment, pod, service


async def test_a_created_object_carries_what_the_server_owns(resources: Resources) -> None:
    body = config_map(a="1")

    made = (await resources.create(CONFIG_MAP, "default", body)).object

    metadata = made["metadata"]
    assert made["apiVersion"], made["kind"] == ("v1", "ConfigMap")
    assert metadata["namespace"] == "default"
    assert metadata["uid"].startswith("uid-")
    assert metadata["creationTimestamp"] == "2026-01-31T12:00:00Z"
    assert metadata["resourceVersion"] == str(resources.store.revision)
    assert "namespace" not in body["metadata"]
    assert resources.get(CONFIG_MAP, "default", "settings") == made


async def test_what_get_returns_is_the_callers_own(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map(a="1"))

    resources.get(CONFIG_MAP, "default", "settings")["data"]["a"] = "changed"

    assert resources.get(CONFIG_MAP, "default", "settings")["data"] == {"a": "1"}


async def test_creating_a_name_twice_is_refused(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map())

    with pytest.raises(AlreadyExists, match='configmaps "settings" already exists'):
        await resources.create(CONFIG_MAP, "default", config_map())


async def test_two_creators_at_once_make_one_object(resources: Resources) -> None:
    results = await asyncio.gather(
        *(resources.create(CONFIG_MAP, "default", config_map()) for _ in range(5)),
        return_exceptions=True,
    )

    assert sum(isinstance(result, AlreadyExists) for result in results) == 4


async def test_generate_name_makes_different_names(resources: Resources) -> None:
    body = {"metadata": {"generateName": "run-"}}

    first = await resources.create(CONFIG_MAP, "default", body)
    second = await resources.create(CONFIG_MAP, "default", body)

    names = {made.object["metadata"]["name"] for made in (first, second)}
    assert len(names) == 2
    assert all(name.startswith("run-") and len(name) == 9 for name in names)


async def test_a_name_is_required(resources: Resources) -> None:
    with pytest.raises(Invalid, match=r"metadata\.name: Required value: name or generateName"):
        await resources.create(CONFIG_MAP, "default", {"metadata": {}})


async def test_create_refuses_a_resource_version(resources: Resources) -> None:
    body = {"metadata": {"name": "x", "resourceVersion": "7"}}

    with pytest.raises(BadRequest, match="resourceVersion should not be set"):
        await resources.create(CONFIG_MAP, "default", body)


async def test_create_refuses_another_namespace_than_the_urls(resources: Resources) -> None:
    body = {"metadata": {"name": "x", "namespace": "other"}}

    with pytest.raises(BadRequest, match="does not match the namespace sent on the request"):
        await resources.create(CONFIG_MAP, "default", body)


async def test_create_refuses_another_kind(resources: Resources) -> None:
    with pytest.raises(BadRequest, match="cannot be handled as a Pod"):
        await resources.create(POD, "default", {**pod(), "kind": "Podd"})
    with pytest.raises(BadRequest, match="does not match the expected API version"):
        await resources.create(POD, "default", {**pod(), "apiVersion": "v2"})


async def test_creating_in_a_missing_namespace_names_the_namespace(resources: Resources) -> None:
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        await resources.create(CONFIG_MAP, "nowhere", config_map())


async def test_dry_run_writes_nothing(resources: Resources) -> None:
    before = resources.store.revision
    options = WriteOptions(dry_run=True)

    made = await resources.create(CONFIG_MAP, "default", config_map(), options)

    assert made.object["metadata"]["uid"]
    assert resources.store.revision == before
    assert resources.get_or_none(CONFIG_MAP, "default", "settings") is None


async def test_dry_run_update_writes_nothing(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map(a="1"))
    before = resources.store.revision

    written = await resources.update(
        CONFIG_MAP, "default", "settings", config_map(a="2"), WriteOptions(dry_run=True)
    )

    assert written.object["data"] == {"a": "2"}
    assert resources.store.revision == before


async def test_update_from_an_older_state_is_a_conflict(resources: Resources) -> None:
    first = (await resources.create(CONFIG_MAP, "default", config_map(a="1"))).object
    await resources.update(CONFIG_MAP, "default", "settings", {**first, "data": {"a": "2"}})

    with pytest.raises(Conflict, match="the object has been modified; please apply your changes"):
        await resources.update(CONFIG_MAP, "default", "settings", {**first, "data": {"a": "3"}})

    assert resources.get(CONFIG_MAP, "default", "settings")["data"] == {"a": "2"}


async def test_update_without_resource_version_is_unconditional(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map(a="1"))

    results = await asyncio.gather(
        *(
            resources.update(CONFIG_MAP, "default", "settings", config_map(a=str(number)))
            for number in range(20)
        )
    )

    assert len({result.object["metadata"]["resourceVersion"] for result in results}) == 20


async def test_update_of_a_missing_object_is_not_found(resources: Resources) -> None:
    with pytest.raises(NotFound, match='configmaps "settings" not found'):
        await resources.update(CONFIG_MAP, "default", "settings", config_map())


async def test_update_creates_kinds_that_allow_it(resources: Resources) -> None:
    body = {"metadata": {"name": "node-1"}, "spec": {"holderIdentity": "node-1"}}

    written = await resources.update(LEASE, "default", "node-1", body)

    assert written.created


async def test_update_refuses_another_name_or_namespace(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map())

    with pytest.raises(BadRequest, match="does not match the name on the URL"):
        await resources.update(CONFIG_MAP, "default", "settings", config_map("else"))
    body = {"metadata": {"name": "settings", "namespace": "other"}}
    with pytest.raises(BadRequest, match="does not match the namespace"):
        await resources.update(CONFIG_MAP, "default", "settings", body)


async def test_update_with_the_uid_of_a_former_object_is_a_conflict(resources: Resources) -> None:
    former = (await resources.create(CONFIG_MAP, "default", config_map())).object
    await resources.delete(CONFIG_MAP, "default", "settings")
    await resources.create(CONFIG_MAP, "default", config_map())
    former["metadata"].pop("resourceVersion")

    with pytest.raises(Conflict, match="UID in precondition"):
        await resources.update(CONFIG_MAP, "default", "settings", former)


async def test_an_update_that_changes_nothing_keeps_the_revision(resources: Resources) -> None:
    made = (await resources.create(DEPLOYMENT, "default", deployment())).object
    before = resources.store.revision

    same = await resources.update(DEPLOYMENT, "default", "web", deployment())

    assert same.object == made
    assert resources.store.revision == before


async def test_server_owned_fields_survive_an_update(
    resources: Resources, clock: FakeClock
) -> None:
    made = (await resources.create(CONFIG_MAP, "default", config_map(a="1"))).object
    clock.advance(60)

    written = await resources.update(CONFIG_MAP, "default", "settings", config_map(a="2"))

    for field in ("uid", "creationTimestamp"):
        assert written.object["metadata"][field] == made["metadata"][field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("creationTimestamp", "2020-01-01T00:00:00Z"),
        ("deletionTimestamp", "2020-01-01T00:00:00Z"),
        ("deletionGracePeriodSeconds", 5),
    ],
)
async def test_server_owned_fields_can_not_be_rewritten(
    resources: Resources, field: str, value: object
) -> None:
    await resources.create(CONFIG_MAP, "default", config_map(a="1"))
    body = {"metadata": {"name": "settings", field: value}, "data": {"a": "2"}}

    with pytest.raises(Invalid, match=rf"metadata\.{field}: Invalid value: .*field is immutable"):
        await resources.update(CONFIG_MAP, "default", "settings", body)


async def test_generation_and_links_are_nothing_a_client_says(resources: Resources) -> None:
    body = {**config_map(a="1")}
    body["metadata"] |= {"selfLink": "/x", "generation": 9, "uid": "mine"}

    made = (await resources.create(CONFIG_MAP, "default", body)).object

    assert "selfLink" not in made["metadata"]
    assert "generation" not in made["metadata"]
    assert made["metadata"]["uid"] != "mine"


async def test_generation_rises_with_the_spec_only(resources: Resources) -> None:
    made = (await resources.create(DEPLOYMENT, "default", deployment())).object
    assert made["metadata"]["generation"] == 1

    labelled = {**made, "metadata": {**made["metadata"], "labels": {"a": "b"}}}
    relabelled = (await resources.update(DEPLOYMENT, "default", "web", labelled)).object
    rescaled = (await resources.update(DEPLOYMENT, "default", "web", deployment(replicas=5))).object

    assert relabelled["metadata"]["generation"] == 1
    assert rescaled["metadata"]["generation"] == 2


async def test_the_main_resource_ignores_status(resources: Resources) -> None:
    body = {**deployment(), "status": {"replicas": 7}}

    made = (await resources.create(DEPLOYMENT, "default", body)).object
    updated = (await resources.update(DEPLOYMENT, "default", "web", body)).object

    assert not made.get("status")
    assert not updated.get("status")


async def test_a_node_may_be_created_with_its_status(resources: Resources) -> None:
    body = {"metadata": {"name": "host"}, "status": {"capacity": {"cpu": "2"}}}

    made = (await resources.create(NODE, None, body)).object

    assert made["status"]["capacity"] == {"cpu": "2"}


async def test_the_status_subresource_ignores_the_spec(resources: Resources) -> None:
    made = (await resources.create(DEPLOYMENT, "default", deployment())).object
    made["spec"]["replicas"] = 9
    made["status"] = {"replicas": 2}

    written = await resources.update(DEPLOYMENT, "default", "web", made, subresource="status")

    assert written.object["status"] == {"replicas": 2}
    assert written.object["spec"]["replicas"] == 2
    assert written.object["metadata"]["generation"] == 1


async def test_no_in_process_writer_loses_anothers_update(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map(count="0"))

    def add_one(obj: Object) -> None:
        obj["data"]["count"] = str(int(obj["data"]["count"]) + 1)

    await asyncio.gather(
        *(resources.modify(CONFIG_MAP, "default", "settings", add_one) for _ in range(200))
    )

    assert resources.get(CONFIG_MAP, "default", "settings")["data"] == {"count": "200"}


async def test_optimistic_writers_that_retry_lose_nothing(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map(count="0"))

    async def add_one() -> None:
        while True:
            obj = resources.get(CONFIG_MAP, "default", "settings")
            obj["data"]["count"] = str(int(obj["data"]["count"]) + 1)
            try:
                await resources.update(CONFIG_MAP, "default", "settings", obj)
            except Conflict:
                await asyncio.sleep(0)
            else:
                return

    await asyncio.gather(*(add_one() for _ in range(8)))

    assert resources.get(CONFIG_MAP, "default", "settings")["data"] == {"count": "8"}


async def test_a_status_change_that_changes_nothing_writes_nothing(resources: Resources) -> None:
    await resources.create(POD, "default", pod())
    await resources.update_status(POD, "default", "web", lambda o: o["status"].update(phase="Up"))
    before = resources.store.revision

    await resources.update_status(POD, "default", "web", lambda o: o["status"].update(phase="Up"))

    assert resources.store.revision == before


async def test_a_change_that_raises_writes_nothing(resources: Resources) -> None:
    await resources.create(CONFIG_MAP, "default", config_map())
    before = resources.store.revision

    def refuse(_obj: Object) -> None:
        raise LookupError("not mine")

    with pytest.raises(LookupError):
        await resources.modify(CONFIG_MAP, "default", "settings", refuse)
    assert resources.store.revision == before


async def test_strict_validation_names_unknown_fields_and_what_was_meant(
    resources: Resources,
) -> None:
    body = deployment()
    body["spec"]["replcas"] = 3

    with pytest.raises(BadRequest) as caught:
        await resources.create(DEPLOYMENT, "default", body, WriteOptions(field_validation="Strict"))

    assert 'strict decoding error: unknown field "spec.replcas"' in caught.value.message
    assert "replicas" in caught.value.message


async def test_warn_drops_unknown_fields_and_says_so(resources: Resources) -> None:
    body = deployment()
    body["spec"]["replcas"] = 3

    written = await resources.create(DEPLOYMENT, "default", body)

    assert any('unknown field "spec.replcas"' in warning for warning in written.warnings)
    assert "replcas" not in written.object["spec"]


async def test_a_wrong_type_names_the_field(resources: Resources) -> None:
    body = deployment()
    body["spec"]["replicas"] = "three"

    with pytest.raises(BadRequest, match=r"spec\.replicas: .*must be an integer"):
        await resources.create(DEPLOYMENT, "default", body)


async def test_nulls_mean_absence(resources: Resources) -> None:
    body = pod()
    body["metadata"]["creationTimestamp"] = None
    body["spec"]["nodeSelector"] = None

    made = (await resources.create(POD, "default", body)).object

    assert "nodeSelector" not in made["spec"]
    assert made["metadata"]["creationTimestamp"]


async def test_quantities_are_stored_in_canonical_form(resources: Resources) -> None:
    body = pod()
    requests = {"cpu": 0.5, "memory": "1024Mi"}
    body["spec"]["containers"][0]["resources"] = {"requests": requests}

    made = (await resources.create(POD, "default", body)).object

    stored = made["spec"]["containers"][0]["resources"]["requests"]
    assert stored == {"cpu": "500m", "memory": "1Gi"}


async def test_both_event_apis_show_the_same_events(resources: Resources) -> None:
    body = {
        "metadata": {"name": "it.happened"},
        "regarding": {"kind": "Pod", "name": "web", "namespace": "default"},
        "note": "started",
        "reason": "Started",
        "type": "Normal",
        "action": "Start",
        "reportingController": "mk.dev/test",
        "reportingInstance": "host",
        "eventTime": "2026-01-31T12:00:00.000000Z",
    }

    await resources.create(EVENTS_EVENT, "default", body)

    core = resources.get(EVENT, "default", "it.happened")
    assert (core["apiVersion"], core["message"]) == ("v1", "started")
    assert core["involvedObject"]["name"] == "web"
    served = resources.get(EVENTS_EVENT, "default", "it.happened")
    assert (served["apiVersion"], served["note"]) == ("events.k8s.io/v1", "started")


async def test_a_pod_is_bound_once(resources: Resources) -> None:
    await resources.create(POD, "default", pod())

    await resources.bind_pod("default", "web", "host")

    bound = resources.get(POD, "default", "web")
    assert bound["spec"]["nodeName"] == "host"
    assert bound["status"]["conditions"][0]["type"] == "PodScheduled"
    with pytest.raises(Conflict, match='already assigned to node "host"'):
        await resources.bind_pod("default", "web", "elsewhere")


async def test_a_pod_of_another_uid_or_behind_a_gate_is_not_bound(resources: Resources) -> None:
    gated = pod("gated")
    gated["spec"]["schedulingGates"] = [{"name": "x.io/wait"}]
    await resources.create(POD, "default", pod())
    await resources.create(POD, "default", gated)

    with pytest.raises(Conflict, match="UID in precondition: former"):
        await resources.bind_pod("default", "web", "host", uid="former")
    with pytest.raises(Conflict, match="schedulingGates"):
        await resources.bind_pod("default", "gated", "host")


async def test_a_body_that_is_no_object_is_a_bad_request(resources: Resources) -> None:
    with pytest.raises(BadRequest, match="must be an object, not list"):
        await resources.create(POD, "default", [])  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="can't be expressed as JSON"):
        await resources.create(POD, "default", {**pod(), "spec": {"containers": {1, 2}}})


async def test_quantities_with_an_exponent_stay_as_written(resources: Resources) -> None:
    body = pod()
    body["spec"]["containers"][0]["resources"] = {"requests": {"memory": "1e9"}}

    made = (await resources.create(POD, "default", body)).object

    assert made["spec"]["containers"][0]["resources"]["requests"] == {"memory": "1e9"}


async def test_a_namespace_on_a_cluster_scoped_object_means_nothing(resources: Resources) -> None:
    body = {"metadata": {"name": "host", "namespace": "default"}}

    made = (await resources.create(NODE, None, body)).object
    updated = (await resources.update(NODE, None, "host", body)).object

    assert "namespace" not in made["metadata"]
    assert updated == made


async def test_empty_metadata_is_left_out(resources: Resources) -> None:
    body = {"metadata": {"name": "settings", "labels": {}, "annotations": {}, "finalizers": []}}

    made = (await resources.create(CONFIG_MAP, "default", body)).object
    again = (await resources.update(CONFIG_MAP, "default", "settings", body)).object

    assert not {"labels", "annotations", "finalizers"} & made["metadata"].keys()
    assert again == made


async def test_a_name_still_held_by_a_dying_object_says_so(resources: Resources) -> None:
    body = {"metadata": {"name": "settings", "finalizers": ["x.io/a"]}}
    await resources.create(CONFIG_MAP, "default", body)
    await resources.delete(CONFIG_MAP, "default", "settings")

    with pytest.raises(AlreadyExists) as caught:
        await resources.create(CONFIG_MAP, "default", body)

    assert caught.value.message.startswith("object is being deleted: configmaps")


async def test_a_lease_that_was_there_is_not_created_again(resources: Resources) -> None:
    body = {"metadata": {"name": "node-1", "resourceVersion": "3"}}

    with pytest.raises(NotFound):
        await resources.update(LEASE, "default", "node-1", body)


async def test_a_change_that_leaves_nulls_behind_changes_nothing(resources: Resources) -> None:
    await resources.create(POD, "default", pod())
    before = resources.store.revision

    await resources.update_status(
        POD, "default", "web", lambda obj: obj["status"].update(message=None)
    )

    assert resources.store.revision == before


async def test_a_status_writer_may_label_a_pod_but_not_disown_it(resources: Resources) -> None:
    owner = {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}
    made = (await resources.create(POD, "default", pod(ownerReferences=[owner]))).object
    made["metadata"]["labels"] = {"a": "b"}
    del made["metadata"]["ownerReferences"]

    written = await resources.update(POD, "default", "web", made, subresource="status")

    assert written.object["metadata"]["labels"] == {"a": "b"}
    assert written.object["metadata"]["ownerReferences"] == [owner]


async def test_an_object_that_kept_none_of_a_name_may_not_get_another_uid(
    resources: Resources,
) -> None:
    await resources.create(SERVICE, "default", service())
    await resources.delete(SERVICE, "default", "web")

    created = await resources.update(SERVICE, "default", "web", service())

    assert created.created


async def test_a_kept_service_address_can_not_be_changed(resources: Resources) -> None:
    await resources.create(SERVICE, "default", service(clusterIP="10.96.0.10"))

    with pytest.raises(Invalid, match="may not change once set"):
        await resources.update(
            SERVICE, "default", "web", service(clusterIP="10.96.0.11", clusterIPs=["10.96.0.11"])
        )


async def test_a_debugger_is_added_to_a_pod_and_nothing_else(resources: Resources) -> None:
    made = (await resources.create(POD, "default", pod("web"))).object
    debugger = {"name": "debugger", "image": "busybox:1"}
    wanted = {"spec": {"activeDeadlineSeconds": 5, "ephemeralContainers": [debugger]}}

    written = await resources.patch(
        POD, "default", "web", Patch("strategic", wanted), subresource="ephemeralcontainers"
    )

    [added] = written.object["spec"]["ephemeralContainers"]
    assert (added["name"], added["imagePullPolicy"]) == ("debugger", "IfNotPresent")
    assert "activeDeadlineSeconds" not in written.object["spec"]
    assert written.object["spec"]["containers"] == made["spec"]["containers"]


@pytest.mark.parametrize(
    ("containers", "message"),
    [
        pytest.param([], "may not be removed or changed", id="removed"),
        pytest.param([{"name": "one", "image": "other:1"}], "removed or changed", id="changed"),
        pytest.param(
            [{"name": "one", "image": "a:1"}, {"name": "two", "image": "a:1"} | {"ports": [{}]}],
            "cannot be set for an Ephemeral Container",
            id="ports",
        ),
        pytest.param(
            [{"name": "two", "image": "a:1", "targetContainerName": "nobody"}],
            "targetContainerName",
            id="unknown-target",
        ),
    ],
)
async def test_debuggers_stay_as_they_are(
    resources: Resources, containers: list[Object], message: str
) -> None:
    stored = (await resources.create(POD, "default", pod("web"))).object
    stored["spec"]["ephemeralContainers"] = [{"name": "one", "image": "a:1"}]
    before = await resources.update(
        POD, "default", "web", stored, subresource="ephemeralcontainers"
    )

    wanted = before.object
    wanted["spec"]["ephemeralContainers"] = containers

    with pytest.raises(Invalid, match=message):
        await resources.update(POD, "default", "web", wanted, subresource="ephemeralcontainers")
