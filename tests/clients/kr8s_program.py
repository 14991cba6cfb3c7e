"""What people write with kr8s, run by test_kr8s.py in a process of its own, since kr8s keeps its
connections and a thread for as long as the process lives.

    kr8s_program.py KUBECONFIG NAMESPACE FUNCTION
"""

import asyncio
import sys
from typing import Any

import kr8s
import kr8s.asyncio
from kr8s.asyncio.objects import Deployment as AsyncDeployment
from kr8s.objects import ConfigMap, Deployment, Pod, new_class


def pod(name: str, namespace: str, *command: str) -> dict[str, Any]:
    container = {"name": "main", "image": "app:1", "command": list(command)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"containers": [container]},
    }


def deployment(namespace: str) -> dict[str, Any]:
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
        },
    }


def objects_are_made_scaled_labelled_and_deleted(api: kr8s.Api, namespace: str) -> None:
    web = Deployment(deployment(namespace), api=api)
    web.create()
    web.wait("condition=Available", timeout=20)

    web.scale(2)
    web.label({"tier": "front"})
    web.annotate({"note": "n"})
    web.patch({"spec": {"paused": True}})
    web.patch([{"op": "remove", "path": "/spec/paused"}], type="json")
    web.wait("jsonpath='{.status.readyReplicas}'=2", timeout=20)

    web.refresh()
    assert web.replicas == 2
    assert web.labels == {"tier": "front"}
    found = list(kr8s.get("pods", namespace=namespace, label_selector={"app": "web"}, api=api))
    assert len(found) == 2
    web.delete(propagation_policy="Foreground")
    web.wait("delete", timeout=20)
    assert not web.exists()
    try:
        Deployment.get("web", namespace, api=api)
    except kr8s.NotFoundError:
        return
    raise AssertionError("it was found")


def commands_logs_and_conditions(api: kr8s.Api, namespace: str) -> None:
    one = Pod(pod("one", namespace, "sh", "-c", "echo begun; sleep 100"), api=api)
    one.create()
    one.wait("condition=Ready", timeout=20)

    done = one.exec(["echo", "hello"])
    failed = one.exec(["sh", "-c", "exit 3"], check=False)

    assert done.stdout == b"hello\n"
    assert failed.returncode == 3
    assert list(one.logs()) == ["begun"]
    one.delete(grace_period=0)


def a_kind_of_ones_own(api: kr8s.Api, namespace: str) -> None:
    basket_class = new_class(
        kind="Basket", version="shop.example.com/v1", namespaced=True, asyncio=False
    )
    basket = basket_class(
        {"metadata": {"name": "mine", "namespace": namespace}, "spec": {"fruit": "apple"}}, api=api
    )

    basket.create()

    assert basket.spec.count == 1
    assert [item.name for item in kr8s.get("baskets", namespace=namespace, api=api)] == ["mine"]


async def the_asynchronous_face(kubeconfig: str, namespace: str) -> None:
    api: Any = await kr8s.asyncio.api(kubeconfig=kubeconfig, namespace=namespace)
    web = await AsyncDeployment(deployment(namespace), api=api)

    await web.create()
    await web.wait("condition=Available", timeout=20)
    pods = await web.pods()
    names = [item["name"] for item in await api.api_resources()]
    version = await api.version()
    seen = []
    async for kind, changed in api.watch("pods", namespace=namespace):
        seen.append((kind, changed.name))
        if kind == "ADDED":
            await web.scale(0)
        if kind == "DELETED":
            break

    assert [found.name for found in pods] == [seen[0][1]]
    assert seen[-1] == ("DELETED", pods[0].name)
    assert {"pods", "deployments", "jobs"} <= set(names)
    assert version["major"] == "1"
    assert (await api.whoami()) is not None


def a_missing_object_and_one_that_is_refused(api: kr8s.Api, namespace: str) -> None:
    bad = ConfigMap({"metadata": {"name": "Not A Name", "namespace": namespace}}, api=api)
    try:
        bad.create()
    except kr8s.ServerError as refused:
        said = str(refused)
    else:
        said = "nothing"

    assert "metadata.name" in said, said
    assert not ConfigMap({"metadata": {"name": "none", "namespace": namespace}}, api=api).exists()


def main() -> None:
    kubeconfig, namespace, name = sys.argv[1:]
    if name == the_asynchronous_face.__name__:
        asyncio.run(the_asynchronous_face(kubeconfig, namespace))
    else:
        globals()[name](kr8s.api(kubeconfig=kubeconfig, namespace=namespace), namespace)


if __name__ == "__main__":
    main()
