"""What the admission chain adds to new objects."""

import pytest

from minikube_py.kinds.catalog import (
    INGRESS,
    INGRESS_CLASS,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    SERVICE_ACCOUNT,
    STORAGE_CLASS,
    VALIDATING_WEBHOOK_CONFIGURATION,
)
from minikube_py.meta.errors import ApiError, Forbidden
from minikube_py.meta.objects import Object
from minikube_py.resources.options import Patch
from minikube_py.resources.resources import Resources
from tests.resources.conftest import FakeClock, pod

DEFAULT = "storageclass.kubernetes.io/is-default-class"


def claim(**spec: object) -> Object:
    requests = {"requests": {"storage": "1Gi"}}
    return {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": requests, **spec},
    }


async def storage_class(resources: Resources, name: str, *, default: bool = True) -> None:
    annotations = {DEFAULT: str(default).lower()}
    body = {
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": "mk.dev/volumes",
    }
    await resources.create(STORAGE_CLASS, None, body)


async def test_pods_get_an_account_under_both_names(resources: Resources) -> None:
    named = pod("named")
    named["spec"]["serviceAccountName"] = "robot"
    await resources.create(SERVICE_ACCOUNT, "default", {"metadata": {"name": "robot"}})

    made = (await resources.create(POD, "default", pod())).object
    kept = (await resources.create(POD, "default", named)).object

    assert made["spec"]["serviceAccountName"] == made["spec"]["serviceAccount"] == "default"
    assert kept["spec"]["serviceAccountName"] == kept["spec"]["serviceAccount"] == "robot"


async def test_pods_tolerate_a_node_that_is_away_for_a_while(resources: Resources) -> None:
    own = pod("own")
    own["spec"]["tolerations"] = [
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
    ]

    made = (await resources.create(POD, "default", pod())).object
    kept = (await resources.create(POD, "default", own)).object

    assert [t["tolerationSeconds"] for t in made["spec"]["tolerations"]] == [300, 300]
    assert [t.get("tolerationSeconds") for t in kept["spec"]["tolerations"]] == [None, 300]


@pytest.mark.parametrize(
    ("spec", "chosen"),
    [({}, "new"), ({"storageClassName": ""}, ""), ({"storageClassName": "old"}, "old")],
)
async def test_a_claim_without_a_class_gets_the_newest_default(
    resources: Resources, clock: FakeClock, spec: Object, chosen: str
) -> None:
    await storage_class(resources, "old")
    clock.advance(60)
    await storage_class(resources, "new")
    await storage_class(resources, "plain", default=False)

    made = (await resources.create(PERSISTENT_VOLUME_CLAIM, "default", claim(**spec))).object

    assert made["spec"]["storageClassName"] == chosen


async def test_without_a_default_class_a_claim_has_none(resources: Resources) -> None:
    made = (await resources.create(PERSISTENT_VOLUME_CLAIM, "default", claim())).object

    assert "storageClassName" not in made["spec"]


async def test_an_ingress_gets_the_default_class_unless_it_names_one(resources: Resources) -> None:
    annotations = {"ingressclass.kubernetes.io/is-default-class": "true"}
    body: Object = {
        "metadata": {"name": "mk", "annotations": annotations},
        "spec": {"controller": "mk.dev/ingress"},
    }
    await resources.create(INGRESS_CLASS, None, body)
    backend = {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}
    legacy = {"kubernetes.io/ingress.class": "nginx"}

    made = await resources.create(
        INGRESS, "default", {"metadata": {"name": "a"}, "spec": dict(backend)}
    )
    old = await resources.create(
        INGRESS,
        "default",
        {"metadata": {"name": "b", "annotations": legacy}, "spec": dict(backend)},
    )

    assert made.object["spec"]["ingressClassName"] == "mk"
    assert "ingressClassName" not in old.object["spec"]


async def test_webhooks_are_kept_with_a_warning(resources: Resources) -> None:
    body: Object = {"metadata": {"name": "guard"}, "webhooks": []}

    made = await resources.create(VALIDATING_WEBHOOK_CONFIGURATION, None, body)
    labels = {"metadata": {"labels": {"a": "b"}}}
    changed = await resources.patch(
        VALIDATING_WEBHOOK_CONFIGURATION, None, "guard", Patch("merge", labels)
    )

    said = "ValidatingWebhookConfiguration guard is stored but not enforced yet"
    assert made.warnings[0].startswith(said)
    assert changed.warnings[0].startswith(said)


async def test_a_kind_without_a_controller_says_what_will_not_happen(resources: Resources) -> None:
    body: Object = {"metadata": {"name": "quiet"}, "spec": {"podSelector": {}}}

    made = await resources.create(NETWORK_POLICY, "default", body)

    assert made.warnings == (
        "NetworkPolicy quiet is stored but not enforced yet: no packet is dropped because of it",
    )


async def test_a_claim_grows_only_where_its_class_lets_it(resources: Resources) -> None:
    await storage_class(resources, "rigid")
    await resources.create(PERSISTENT_VOLUME_CLAIM, "default", claim(volumeName="v"))
    grow = Patch("merge", {"spec": {"resources": {"requests": {"storage": "2Gi"}}}})

    async def growing() -> None:
        await resources.patch(PERSISTENT_VOLUME_CLAIM, "default", "data", grow)

    with pytest.raises(ApiError):
        await growing()
    await resources.update_status(
        PERSISTENT_VOLUME_CLAIM,
        "default",
        "data",
        lambda c: c.setdefault("status", {}).update(phase="Bound", capacity={"storage": "1Gi"}),
    )
    with pytest.raises(Forbidden, match="the storageclass that provisions the pvc must support"):
        await growing()
    await resources.modify(
        STORAGE_CLASS, None, "rigid", lambda c: c.update(allowVolumeExpansion=True)
    )
    await growing()
