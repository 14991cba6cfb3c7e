"""The scale subresource."""

import pytest

from minikube_py.kinds.catalog import CONFIG_MAP, DEPLOYMENT
from minikube_py.meta.errors import (
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
    UnsupportedMediaType,
)
from minikube_py.meta.objects import Object
from minikube_py.resources.resources import Patch, Resources
from tests.resources.conftest import config_map, deployment


@pytest.fixture
async def scale(resources: Resources) -> Object:
    made = (await resources.create(DEPLOYMENT, "default", deployment(replicas=2))).object
    return resources.scale_of(DEPLOYMENT, made)


async def test_a_scale_shows_numbers_and_selector(scale: Object) -> None:
    assert (scale["apiVersion"], scale["kind"]) == ("autoscaling/v1", "Scale")
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 0, "selector": "app=web"}


async def test_writing_a_scale_writes_the_replicas(resources: Resources, scale: Object) -> None:
    scale["spec"]["replicas"] = 5

    written = await resources.update(DEPLOYMENT, "default", "web", scale, subresource="scale")

    assert written.object["kind"] == "Scale"
    assert written.object["spec"] == {"replicas": 5}
    stored = resources.get(DEPLOYMENT, "default", "web")
    assert stored["spec"]["replicas"] == 5
    assert stored["metadata"]["generation"] == 2


async def test_an_old_scale_conflicts(resources: Resources, scale: Object) -> None:
    await resources.modify(
        DEPLOYMENT, "default", "web", lambda obj: obj["metadata"].update(labels={"a": "b"})
    )

    with pytest.raises(Conflict):
        await resources.update(DEPLOYMENT, "default", "web", scale, subresource="scale")


@pytest.mark.parametrize(
    "patch",
    [
        Patch("merge", {"spec": {"replicas": 4}}),
        Patch("strategic", {"spec": {"replicas": 4}}),
        Patch("json", [{"op": "replace", "path": "/spec/replicas", "value": 4}]),
    ],
    ids=lambda patch: str(patch.type),
)
@pytest.mark.usefixtures("scale")
async def test_a_scale_is_patched(resources: Resources, patch: Patch) -> None:
    written = await resources.patch(DEPLOYMENT, "default", "web", patch, subresource="scale")

    assert written.object["spec"] == {"replicas": 4}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"spec": {"replicas": -1}}, Invalid),
        ({"spec": {"replicas": "4"}}, BadRequest),
        ({"spec": {"replicas": True}}, BadRequest),
        ({"spec": []}, BadRequest),
        ({"kind": "Deployment"}, BadRequest),
        ({"metadata": {"name": "other"}}, BadRequest),
    ],
)
async def test_a_wrong_scale_is_refused(
    resources: Resources, scale: Object, change: Object, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await resources.update(
            DEPLOYMENT, "default", "web", {**scale, **change}, subresource="scale"
        )


@pytest.mark.usefixtures("scale")
async def test_what_scale_does_not_serve_is_refused_by_name(resources: Resources) -> None:
    patch = Patch("apply", {"spec": {"replicas": 4}})
    with pytest.raises(UnsupportedMediaType, match="server-side apply of /scale"):
        await resources.patch(DEPLOYMENT, "default", "web", patch, subresource="scale")

    made = (await resources.create(CONFIG_MAP, "default", config_map())).object
    with pytest.raises(NotFound, match="configmaps/scale"):
        resources.scale_of(CONFIG_MAP, made)


async def test_a_scale_must_be_an_object(resources: Resources, scale: Object) -> None:
    assert scale
    with pytest.raises(BadRequest, match="must be an object"):
        await resources.update(DEPLOYMENT, "default", "web", [], subresource="scale")  # type: ignore[arg-type]
    made = (await resources.create(CONFIG_MAP, "default", config_map())).object
    with pytest.raises(NotFound):
        await resources.update(CONFIG_MAP, "default", "settings", made, subresource="scale")
