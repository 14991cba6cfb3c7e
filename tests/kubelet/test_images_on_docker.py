"""Images for real: pulled by Docker from a registry on loopback."""

import subprocess
from typing import Any

import pytest

from minikube_py.kinds.catalog import POD, SECRET
from minikube_py.meta.objects import get_path
from tests.kubelet.conftest import BUSYBOX, World, sleeper, state_of
from tests.kubelet.registry import Registry, serving

pytestmark = [pytest.mark.docker, pytest.mark.root]


async def test_pull_secrets_digests_policies_and_reasons(docker_world: World) -> None:
    world = docker_world
    async with serving(Registry("shop", "s3cr3t"), BUSYBOX) as registry:
        image = f"{registry.image}:1"
        await world.create(SECRET, "registry", **registry.pull_secret())
        stale = registry.pull_secret(path="/busybox", password="last year's")
        await world.create(SECRET, "stale", **stale)
        secrets = [{"name": "registry"}, {"name": "stale"}, {"name": "nope"}]

        await world.pod("denied", containers=[sleeper(image=image)])
        denied = await world.waiting("denied", "ImagePullBackOff")
        await world.pod("web", imagePullSecrets=secrets, containers=[
            sleeper("app", image=image), sleeper("second", image=image),
        ])  # fmt: skip
        pod = await world.until("web", lambda one: "running" in _state(one), "running", 25)
        await world.told("web", "Pulled")

        by_digest = f"{registry.image}@{registry.digest}"
        await world.pod("digest", imagePullSecrets=secrets, containers=[sleeper(image=by_digest)])
        await world.pod("missing", imagePullSecrets=secrets, containers=[
            sleeper(image=f"{registry.image}:nope"),
            sleeper("never", image=f"{registry.image}:x", imagePullPolicy="Never"),
            sleeper("bad", image="Not/An/Image"),
        ])  # fmt: skip
        await world.until("digest", lambda one: "running" in _state(one), "running", 25)
        await world.waiting("missing", "ImagePullBackOff")
        await world.waiting("missing", "ErrImageNeverPull", "never")
        await world.waiting("missing", "InvalidImageName", "bad")

        events = world.events("web")
        told = [message for reason, message in events if reason == "Pulled"]
        assert any(
            message.startswith(f'Successfully pulled image "{image}" in ') for message in told
        )
        assert ("Pulling", f'Pulling image "{image}"') in events
        assert "FailedToRetrieveImagePullSecret" in [reason for reason, _ in events]
        assert {"ErrImageNeverPull", "InspectFailed", "Failed", "BackOff"} <= {
            reason for reason, _ in world.events("missing")
        }
        assert "auth" in denied["state"]["waiting"]["message"]
        assert state_of(pod)["imageID"].startswith("docker://sha256:")
        assert registry.pulls["1"] == 1, "two containers, one pull"

        for name in ("web", "digest", "denied", "missing"):
            await world.resources.delete(POD, "default", name)
            await world.gone(name)
        assert _is_on_host(image), "mk removes no image that it did not make"


async def test_a_private_image_needs_its_credentials_also_when_it_is_there(
    docker_world: World,
) -> None:
    world = docker_world
    async with serving(Registry("shop", "s3cr3t"), BUSYBOX) as registry:
        image = f"{registry.image}:1"
        await world.create(SECRET, "registry", **registry.pull_secret())
        ours: Any = {"imagePullSecrets": [{"name": "registry"}]}
        app = sleeper(image=image, imagePullPolicy="IfNotPresent")
        await world.pod("first", **ours, containers=[app])
        await world.ready("first")

        await world.pod("denied", containers=[app])
        denied = await world.waiting("denied", "ImagePullBackOff")
        await world.stop_kubelet()
        world.start_kubelet()
        await world.pod("second", **ours, containers=[app])
        await world.pod("never", containers=[{**app, "imagePullPolicy": "Never"}])
        await world.pod("by-id", containers=[{**app, "image": _id(image)}])
        await world.ready("second")
        await world.waiting("never", "ErrImageNeverPull")
        await world.waiting("by-id", "ImagePullBackOff")

        assert "auth" in denied["state"]["waiting"]["message"]
        assert registry.pulls["1"] == 1, "who has the credentials need not pull again"
        for name in ("first", "second", "denied", "never", "by-id"):
            await world.delete(name)
        for name in ("first", "second", "denied", "never", "by-id"):
            await world.gone(name)


def _id(image: str) -> str:
    asked = ["docker", "image", "inspect", "-f", "{{.Id}}", image]
    found = subprocess.run(asked, capture_output=True, text=True, check=True)
    return found.stdout.strip().removeprefix("sha256:")


def _state(pod: dict[str, object]) -> dict[str, object]:
    found: dict[str, object] = get_path(state_of(pod), "state", default={})
    return found


def _is_on_host(image: str) -> bool:
    inspected = ["docker", "image", "inspect", image]
    return subprocess.run(inspected, capture_output=True, check=False).returncode == 0
