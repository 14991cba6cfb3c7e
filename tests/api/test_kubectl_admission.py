"""kubectl where admission has a word: warnings, quotas, limits, priorities."""

import asyncio
from typing import Any

from tests.api.conftest import Kubectl
from tests.api.test_kubectl import pod

GUARD: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "guard"},
    "webhooks": [],
}


async def test_a_webhook_is_kept_and_kubectl_shows_the_warning(kubectl: Kubectl) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [GUARD]}

    code, out, err = await kubectl.run("apply", "-f", "-", stdin=str(listed).replace("'", '"'))

    assert code == 0
    assert "guard created" in out
    assert "Warning: ValidatingWebhookConfiguration guard is stored but not enforced yet" in err


async def test_many_clients_at_once_never_exceed_a_quota(kubectl: Kubectl) -> None:
    await kubectl("create", "quota", "team", "--hard=configmaps=3")

    async def create(number: int) -> tuple[int, str, str]:
        return await kubectl.run("create", "configmap", f"c-{number}", "--from-literal=a=b")

    results = await asyncio.gather(*(create(number) for number in range(8)))

    refused = [err for code, _, err in results if code != 0]
    assert len(refused) == 5
    said = (
        "exceeded quota: team, requested: configmaps=1, used: configmaps=3, limited: configmaps=3"
    )
    assert all(said in err for err in refused)
    used = await kubectl("get", "quota", "team", "-o", "jsonpath={.status.used}")
    assert used == '{"configmaps":"3"}'


async def test_limits_are_filled_in_and_held(kubectl: Kubectl) -> None:
    limits = {"type": "Container", "default": {"cpu": "200m"}, "max": {"cpu": "1"}}
    body = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "team"},
        "spec": {"limits": [limits]},
    }
    await kubectl.apply(body)
    await kubectl.apply(pod("small"))
    greedy = pod("greedy")
    greedy["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "2"}}

    path = "jsonpath={.spec.containers[0].resources.limits.cpu}"
    assert await kubectl("get", "pod", "small", "-o", path) == "200m"
    code, _, err = await kubectl.run("create", "-f", "-", stdin=str(greedy).replace("'", '"'))
    assert code == 1
    assert "maximum cpu usage per Container is 1, but limit is 2" in err


async def test_a_pod_in_a_namespace_made_just_now_has_its_account(kubectl: Kubectl) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fresh"}}
    inside = pod("web")
    inside["metadata"]["namespace"] = "fresh"

    await kubectl.apply(namespace, inside)

    names = await kubectl("get", "pod", "web", "-n", "fresh", "-o", "jsonpath={..volumes..name}")
    assert names.startswith("kube-api-access-")
