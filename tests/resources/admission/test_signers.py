"""Approving and signing need a right to the signer."""

import pytest

from minikube_py.kinds.catalog import (
    CERTIFICATE_SIGNING_REQUEST,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
)
from minikube_py.meta.errors import Forbidden
from minikube_py.meta.objects import Object
from minikube_py.meta.users import User
from minikube_py.resources.options import WriteOptions
from minikube_py.resources.resources import Resources
from tests.kinds.examples import altered, example
from tests.kinds.keys import issued

ALICE = WriteOptions(user=User("alice"))
APPROVED: Object = {"type": "Approved", "status": "True", "reason": "Known", "message": "by alice"}


@pytest.fixture
async def request_(resources: Resources) -> Object:
    """By the signer example.com/serving."""
    wanted = example(CERTIFICATE_SIGNING_REQUEST)
    wanted["spec"]["signerName"] = "example.com/serving"
    return (await resources.create(CERTIFICATE_SIGNING_REQUEST, None, wanted)).object


async def allow(resources: Resources, verb: str, signer: str) -> None:
    rule = {
        "apiGroups": ["certificates.k8s.io"],
        "resources": ["signers"],
        "resourceNames": [signer],
        "verbs": [verb],
    }
    binding = {
        "metadata": {"name": "signing"},
        "roleRef": {"kind": "ClusterRole", "name": "signing"},
        "subjects": [{"kind": "User", "name": "alice"}],
    }
    await resources.create(CLUSTER_ROLE, None, {"metadata": {"name": "signing"}, "rules": [rule]})
    await resources.create(CLUSTER_ROLE_BINDING, None, binding)


async def write(resources: Resources, obj: Object, subresource: str) -> None:
    await resources.update(
        CERTIFICATE_SIGNING_REQUEST, None, "a", obj, ALICE, subresource=subresource
    )


@pytest.mark.parametrize("signer", ["example.com/serving", "example.com/*"])
async def test_approval_by_the_signers_name_or_domain(
    resources: Resources, request_: Object, signer: str
) -> None:
    approval = altered(request_, "status", {"conditions": [APPROVED]})
    refusal = 'not permitted to approve requests with signerName "example.com/serving"'
    with pytest.raises(Forbidden, match=refusal):
        await write(resources, approval, "approval")

    await allow(resources, "approve", signer)

    await write(resources, approval, "approval")


async def test_signing_is_another_right(resources: Resources, request_: Object) -> None:
    await allow(resources, "approve", "example.com/serving")
    signed = altered(request_, "status", {"certificate": issued()})

    with pytest.raises(Forbidden, match="not permitted to sign requests"):
        await write(resources, signed, "status")
    labelled = altered(request_, "metadata", {**request_["metadata"], "labels": {"a": "b"}})
    await write(resources, labelled, "")


async def test_who_may_sign_signs(resources: Resources, request_: Object) -> None:
    await allow(resources, "sign", "example.com/serving")

    await write(resources, altered(request_, "status", {"certificate": issued()}), "status")

    stored = resources.get(CERTIFICATE_SIGNING_REQUEST, None, "a")
    assert stored["status"]["certificate"] == issued()
