import dataclasses

from minikube_py.kinds import catalog
from minikube_py.kinds.catalog import DEPLOYMENT, EVENT, EVENTS_EVENT, POD, Catalog, builtin_catalog
from minikube_py.kinds.kind import Kind


def test_kinds_are_found_by_kind_and_by_resource() -> None:
    kinds = builtin_catalog()

    assert kinds.by_kind("apps", "v1", "Deployment") is DEPLOYMENT
    assert kinds.by_resource("apps", "v1", "deployments") is DEPLOYMENT
    assert kinds.by_kind("apps", "v1beta1", "Deployment") is None
    assert kinds.by_resource("", "v1", "deployments") is None
    assert kinds.storage_kind("apps", "Deployment") is DEPLOYMENT
    assert kinds.storage_kind("apps", "Pod") is None
    assert (kinds.storage_kind("", "Event"), kinds.storage_kind("events.k8s.io", "Event")) == (
        EVENT,
        EVENTS_EVENT,
    )


def test_every_constant_is_in_the_catalog() -> None:
    named = {value for name, value in vars(catalog).items() if name.isupper() and name[0] != "_"}

    assert named == set(builtin_catalog().all())


def test_the_core_group_comes_first() -> None:
    groups = builtin_catalog().groups()

    assert next(iter(groups)) == ""
    assert groups["apps"] == ["v1"]
    assert Catalog([DEPLOYMENT]).groups() == {"apps": ["v1"]}


def test_of_two_versions_the_stored_one_is_preferred() -> None:
    kinds = builtin_catalog()

    assert kinds.groups()["autoscaling"] == ["v2", "v1"]
    stored = kinds.storage_kind("autoscaling", "HorizontalPodAutoscaler")
    assert stored is catalog.HORIZONTAL_POD_AUTOSCALER


def test_kinds_come_and_go_at_run_time() -> None:
    kinds = Catalog([POD])
    newer = dataclasses.replace(POD, plural="pods2")

    kinds.add(newer)
    assert kinds.all() == (newer,)
    assert kinds.by_resource("", "v1", "pods") is None

    kinds.remove(newer)
    kinds.remove(newer)
    assert kinds.all() == ()


def test_names_short_names_and_categories_are_kubernetes_own() -> None:
    kinds = {kind.resource: kind for kind in builtin_catalog().all()}
    short = {
        "bindings": None,
        "pods": ("po",),
        "services": ("svc",),
        "namespaces": ("ns",),
        "nodes": ("no",),
        "configmaps": ("cm",),
        "secrets": (),
        "endpoints": ("ep",),
        "persistentvolumes": ("pv",),
        "persistentvolumeclaims": ("pvc",),
        "serviceaccounts": ("sa",),
        "events": ("ev",),
        "deployments.apps": ("deploy",),
        "replicasets.apps": ("rs",),
        "statefulsets.apps": ("sts",),
        "ingresses.networking.k8s.io": ("ing",),
        "storageclasses.storage.k8s.io": ("sc",),
        "daemonsets.apps": ("ds",),
        "jobs.batch": (),
        "cronjobs.batch": ("cj",),
        "horizontalpodautoscalers.autoscaling": ("hpa",),
        "poddisruptionbudgets.policy": ("pdb",),
        "replicationcontrollers": ("rc",),
        "podtemplates": (),
        "limitranges": ("limits",),
        "resourcequotas": ("quota",),
        "componentstatuses": ("cs",),
    }

    for resource, names in short.items():
        if names is not None:
            assert kinds[resource].short_names == names
    in_all = {resource for resource, kind in kinds.items() if kind.categories == ("all",)}
    assert in_all == {
        "pods",
        "services",
        "deployments.apps",
        "replicasets.apps",
        "statefulsets.apps",
        "daemonsets.apps",
        "jobs.batch",
        "cronjobs.batch",
        "horizontalpodautoscalers.autoscaling",
        "replicationcontrollers",
    }
    assert not kinds["nodes"].namespaced
    assert kinds["endpoints"].singular_name == "endpoints"
    assert kinds["pods"].singular_name == "pod"
    assert repr(kinds["deployments.apps"]) == "<Kind deployments.apps/v1>"


def test_kinds_have_harmless_defaults() -> None:
    bare = Kind("example.com", "v1", "Thing", "things", columns=())
    obj: dict[str, object] = {}

    bare.default(obj)
    bare.prepare(obj, None)

    assert (list(bare.validate_create(obj)), list(bare.validate_update(obj, obj))) == ([], [])
    assert bare.selectable_fields(obj) == {}
