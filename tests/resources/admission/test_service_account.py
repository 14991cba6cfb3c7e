"""Who a Pod is, and the files by which its containers show it."""

import asyncio

import pytest

from minikube_py.kinds.catalog import NAMESPACE, POD, SERVICE_ACCOUNT
from minikube_py.meta.errors import Forbidden
from minikube_py.meta.objects import Object
from minikube_py.resources.options import WriteOptions
from minikube_py.resources.resources import Resources
from tests.resources.conftest import pod

PATH = "/var/run/secrets/kubernetes.io/serviceaccount"


async def account(resources: Resources, name: str, **fields: object) -> None:
    await resources.create(SERVICE_ACCOUNT, "default", {"metadata": {"name": name}, **fields})


async def created(resources: Resources, obj: Object) -> Object:
    spec: Object = (await resources.create(POD, "default", obj)).object["spec"]
    return spec


async def test_every_container_gets_the_token_of_its_account(resources: Resources) -> None:
    body = pod()
    body["spec"]["initContainers"] = [{"name": "init", "image": "a:1"}]

    spec = await created(resources, body)

    (volume,) = spec["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert len(volume["name"]) == len("kube-api-access-12345")
    mount = {"name": volume["name"], "readOnly": True, "mountPath": PATH}
    containers = [*spec["initContainers"], *spec["containers"]]
    assert [c["volumeMounts"] for c in containers] == [[mount], [mount]]
    assert volume["projected"] == {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {
                "configMap": {
                    "name": "kube-root-ca.crt",
                    "items": [{"key": "ca.crt", "path": "ca.crt"}],
                }
            },
            {
                "downwardAPI": {
                    "items": [
                        {
                            "path": "namespace",
                            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                        }
                    ]
                }
            },
        ],
    }


async def test_a_container_that_mounts_something_there_keeps_it(resources: Resources) -> None:
    body = pod()
    own = {"name": "own", "mountPath": PATH}
    body["spec"]["containers"][0]["volumeMounts"] = [own]
    body["spec"]["volumes"] = [{"name": "own", "emptyDir": {}}]

    spec = await created(resources, body)

    assert spec["containers"][0]["volumeMounts"] == [own]
    assert [volume["name"] for volume in spec["volumes"]] == ["own"]


async def test_a_pod_made_from_another_keeps_its_volume(resources: Resources) -> None:
    spec = await created(resources, pod())
    spec.pop("nodeName", None)

    again = await created(resources, {"metadata": {"name": "copy"}, "spec": spec})

    assert again["volumes"] == spec["volumes"]
    assert again["containers"] == spec["containers"]


@pytest.mark.parametrize(
    ("of_account", "of_pod", "mounted"),
    [
        pytest.param(None, None, True, id="nobody-says"),
        pytest.param(False, None, False, id="account-declines"),
        pytest.param(False, True, True, id="pod-overrules"),
        pytest.param(None, False, False, id="pod-declines"),
    ],
)
async def test_tokens_may_be_declined(
    resources: Resources, of_account: bool | None, of_pod: bool | None, mounted: bool
) -> None:
    fields = {} if of_account is None else {"automountServiceAccountToken": of_account}
    await account(resources, "robot", **fields)
    body = pod()
    body["spec"]["serviceAccountName"] = "robot"
    if of_pod is not None:
        body["spec"]["automountServiceAccountToken"] = of_pod

    spec = await created(resources, body)

    assert bool(spec.get("volumes")) is mounted


async def test_a_pod_without_its_account_is_refused(resources: Resources) -> None:
    body = pod()
    body["spec"]["serviceAccountName"] = "nobody"

    with pytest.raises(Forbidden) as refused:
        await resources.create(POD, "default", body)

    assert refused.value.message == (
        'pods "web" is forbidden: error looking up service account default/nobody: '
        'serviceaccount "nobody" not found'
    )


async def test_pull_secrets_come_from_the_account_where_the_pod_names_none(
    resources: Resources,
) -> None:
    await account(resources, "robot", imagePullSecrets=[{"name": "registry"}])
    plain, named = pod("plain"), pod("named")
    for body in (plain, named):
        body["spec"]["serviceAccountName"] = "robot"
    named["spec"]["imagePullSecrets"] = [{"name": "own"}]

    assert (await created(resources, plain))["imagePullSecrets"] == [{"name": "registry"}]
    assert (await created(resources, named))["imagePullSecrets"] == [{"name": "own"}]


async def test_the_nodes_own_pods_have_no_account(resources: Resources) -> None:
    body = pod(annotations={"kubernetes.io/config.mirror": "hash"})
    body["spec"]["nodeName"] = "node-1"

    spec = await created(resources, body)

    assert "serviceAccountName" not in spec
    assert "volumes" not in spec


async def test_a_new_namespace_can_hold_pods_at_once(resources: Resources) -> None:
    """Whoever sees the namespace sees its account, without any controller."""
    watch = resources.watch(NAMESPACE, since=resources.store.revision)
    making = asyncio.ensure_future(
        resources.create(NAMESPACE, None, {"metadata": {"name": "fresh"}})
    )
    (seen,) = await watch.next_batch()
    watch.close()

    await resources.create(POD, "fresh", pod())

    made = resources.get(SERVICE_ACCOUNT, "fresh", "default")
    assert made["metadata"]["resourceVersion"] == seen.object["metadata"]["resourceVersion"]
    assert made["metadata"]["uid"] != seen.object["metadata"]["uid"]
    await making


async def test_a_namespace_on_trial_makes_no_account(resources: Resources) -> None:
    body: Object = {"metadata": {"name": "fresh"}}

    await resources.create(NAMESPACE, None, body, WriteOptions(dry_run=True))

    assert resources.get_or_none(SERVICE_ACCOUNT, "fresh", "default") is None
