"""LimitRange: what is filled in, and what is refused in which words."""

import pytest

from minikube_py.kinds.catalog import LIMIT_RANGE, PERSISTENT_VOLUME_CLAIM, POD
from minikube_py.meta.errors import Forbidden, Invalid
from minikube_py.meta.objects import Object
from minikube_py.resources.resources import Resources


async def limit(resources: Resources, **item: object) -> None:
    body = {"metadata": {"name": "limits"}, "spec": {"limits": [{"type": "Container", **item}]}}
    await resources.create(LIMIT_RANGE, "default", body)


def container(name: str = "main", *, requests: Object = {}, limits: Object = {}) -> Object:  # noqa: B006
    resources = {"requests": dict(requests), "limits": dict(limits)}
    return {"name": name, "image": "a:1", "resources": resources}


def pod(*containers: Object, **spec: object) -> Object:
    return {"metadata": {"name": "web"}, "spec": {"containers": list(containers), **spec}}


async def refusal(resources: Resources, obj: Object) -> str:
    with pytest.raises(Forbidden) as refused:
        await resources.create(POD, "default", obj)
    return refused.value.message.removeprefix('pods "web" is forbidden: ')


async def test_containers_get_defaults_and_the_pod_says_which(resources: Resources) -> None:
    await limit(
        resources,
        default={"cpu": "500m", "memory": "1Gi"},
        defaultRequest={"cpu": "100m", "memory": "256Mi"},
    )
    some = container("some", requests={"cpu": "200m"})

    made = (
        await resources.create(
            POD, "default", pod(some, container("none"), initContainers=[container("init")])
        )
    ).object

    first, second = (each["resources"] for each in made["spec"]["containers"])
    assert first["requests"] == {"cpu": "200m", "memory": "256Mi"}
    assert first["limits"] == second["limits"] == {"cpu": "500m", "memory": "1Gi"}
    assert made["spec"]["initContainers"][0]["resources"] == second
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: memory request for container some; "
        "cpu, memory limit for container some; cpu, memory request for container none; "
        "cpu, memory limit for container none; cpu, memory request for init container init; "
        "cpu, memory limit for init container init"
    )


async def test_a_request_above_the_default_limit_is_invalid(resources: Resources) -> None:
    await limit(resources, default={"cpu": "100m"})

    with pytest.raises(Invalid, match="must be less than or equal to cpu limit"):
        await resources.create(POD, "default", pod(container(requests={"cpu": "1"})))


@pytest.mark.parametrize(
    ("item", "obj", "words"),
    [
        pytest.param(
            {"min": {"cpu": "100m"}},
            pod(container(requests={"cpu": "50m"}, limits={"cpu": "1"})),
            "minimum cpu usage per Container is 100m, but request is 50m",
            id="request-too-small",
        ),
        pytest.param(
            {"type": "Pod", "min": {"memory": "1Gi"}},
            pod(container(requests={}, limits={})),
            "minimum memory usage per Pod is 1Gi.  No request is specified",
            id="no-request",
        ),
        pytest.param(
            {"max": {"memory": "1Gi"}},
            pod(container(limits={"memory": "2Gi"})),
            "maximum memory usage per Container is 1Gi, but limit is 2Gi",
            id="limit-too-large",
        ),
        pytest.param(
            {"type": "Pod", "max": {"cpu": "1"}},
            pod(container(limits={"cpu": "600m"}), container("b", limits={"cpu": "600m"})),
            "maximum cpu usage per Pod is 1, but limit is 1200m",
            id="containers-add-up",
        ),
        pytest.param(
            {"type": "Pod", "max": {"cpu": "1"}},
            pod(container(requests={"cpu": "1"})),
            "maximum cpu usage per Pod is 1.  No limit is specified",
            id="no-limit",
        ),
        pytest.param(
            {"maxLimitRequestRatio": {"cpu": "2"}},
            pod(container(requests={"cpu": "100m"}, limits={"cpu": "250m"})),
            "cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000",
            id="ratio",
        ),
        pytest.param(
            {"maxLimitRequestRatio": {"cpu": "2"}},
            pod(container()),
            "cpu max limit to request ratio per Container is 2, but no request is specified or "
            "request is 0",
            id="ratio-without-request",
        ),
        pytest.param(
            {"max": {"cpu": "1"}, "min": {"cpu": "100m"}},
            pod(
                container(limits={"cpu": "2"}),
                initContainers=[container("init", limits={"cpu": "10m"})],
            ),
            "[maximum cpu usage per Container is 1, but limit is 2, "
            "minimum cpu usage per Container is 100m, but request is 10m]",
            id="several-problems",
        ),
    ],
)
async def test_what_is_out_of_bounds_is_refused(
    resources: Resources, item: Object, obj: Object, words: str
) -> None:
    await limit(resources, **item)

    assert await refusal(resources, obj) == words


async def test_claims_are_held_to_their_bounds_when_made_and_when_they_grow(
    resources: Resources,
) -> None:
    await limit(
        resources, type="PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "2Gi"}
    )

    def claim(size: str) -> Object:
        requests = {"requests": {"storage": size}}
        spec = {"accessModes": ["ReadWriteOnce"], "resources": requests}
        return {"metadata": {"name": "data"}, "spec": spec}

    with pytest.raises(
        Forbidden, match="maximum storage usage per PersistentVolumeClaim is 2Gi, but "
    ):
        await resources.create(PERSISTENT_VOLUME_CLAIM, "default", claim("3Gi"))
    with pytest.raises(
        Forbidden, match="minimum storage usage per PersistentVolumeClaim is 1Gi, but "
    ):
        await resources.create(PERSISTENT_VOLUME_CLAIM, "default", claim("1Mi"))
    assert (await resources.create(PERSISTENT_VOLUME_CLAIM, "default", claim("2Gi"))).created


async def test_other_namespaces_and_later_changes_are_free(resources: Resources) -> None:
    await resources.create(POD, "default", pod(container()))
    await limit(resources, max={"cpu": "1"})

    await resources.modify(POD, "default", "web", lambda p: p["metadata"].update(labels={"a": "b"}))
    made = await resources.create(POD, "other", pod(container(limits={"cpu": "9"})))

    assert made.created
