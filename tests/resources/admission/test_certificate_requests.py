"""Who asks for a certificate, who may decide and what the signer may write."""

from typing import Any

import pytest

from minikube_py.kinds.catalog import CERTIFICATE_SIGNING_REQUEST
from minikube_py.meta.errors import Forbidden, Invalid
from minikube_py.meta.objects import Object
from minikube_py.meta.users import User
from minikube_py.resources.options import Patch, WriteOptions
from minikube_py.resources.resources import Resources
from tests.kinds.examples import altered, example
from tests.kinds.keys import issued, signing_request

JANE = User("jane", ("developers",), "1", {"scopes": ("read",)})
APPROVED: Object = {"type": "Approved", "status": "True", "reason": "Known", "message": "by joe"}


async def _ask(resources: Resources, **spec: Any) -> Object:
    wanted = example(CERTIFICATE_SIGNING_REQUEST)
    wanted["spec"].update(spec)
    options = WriteOptions(user=JANE)
    return (await resources.create(CERTIFICATE_SIGNING_REQUEST, None, wanted, options)).object


async def test_a_request_says_truly_who_asks(resources: Resources) -> None:
    made = await _ask(resources, username="admin", groups=["system:masters"], uid="0")

    asked = {name: made["spec"][name] for name in ("username", "groups", "uid", "extra")}
    assert asked == {
        "username": "jane",
        "groups": ["developers"],
        "uid": "1",
        "extra": {"scopes": ["read"]},
    }


async def test_nobody_asks_to_be_a_master_of_the_cluster(resources: Resources) -> None:
    signer = "kubernetes.io/kube-apiserver-client"

    with pytest.raises(Forbidden, match="with system:masters group is not allowed"):
        await _ask(resources, signerName=signer, request=signing_request("system:masters"))
    await _ask(resources, signerName=signer)


async def test_a_decision_goes_through_its_own_door(resources: Resources) -> None:
    made = await _ask(resources)
    approval = altered(made, "status", {"conditions": [APPROVED], "certificate": issued()})
    approval["spec"]["usages"] = ["server auth"]

    await resources.update(CERTIFICATE_SIGNING_REQUEST, None, "a", approval, subresource="approval")

    stored = resources.get(CERTIFICATE_SIGNING_REQUEST, None, "a")
    times = {"lastUpdateTime": "2026-01-31T12:00:00Z", "lastTransitionTime": "2026-01-31T12:00:00Z"}
    assert stored["status"] == {"conditions": [{**APPROVED, **times}]}
    assert stored["spec"] == made["spec"]


async def test_the_signer_writes_the_certificate_and_does_not_approve(resources: Resources) -> None:
    made = await _ask(resources)
    signed = altered(made, "status", {"certificate": issued()})

    await resources.update(CERTIFICATE_SIGNING_REQUEST, None, "a", signed, subresource="status")
    assert resources.get(CERTIFICATE_SIGNING_REQUEST, None, "a")["status"] == signed["status"]

    patch = Patch("merge", {"status": {"conditions": [APPROVED]}})
    with pytest.raises(Invalid, match='may not add a condition of type "Approved"'):
        await resources.patch(CERTIFICATE_SIGNING_REQUEST, None, "a", patch, subresource="status")


async def test_an_ordinary_write_changes_neither_request_nor_decision(resources: Resources) -> None:
    made = await _ask(resources)
    patch = Patch(
        "merge",
        {"spec": {"usages": ["any"]}, "status": {"conditions": [APPROVED]}},
    )

    await resources.patch(CERTIFICATE_SIGNING_REQUEST, None, "a", patch)

    stored = resources.get(CERTIFICATE_SIGNING_REQUEST, None, "a")
    assert (stored["spec"], stored.get("status")) == (made["spec"], made.get("status"))
