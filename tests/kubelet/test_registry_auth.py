import pytest

from minikube_py.kubelet.registry_auth import Credential, credentials, full_name, repository_of
from minikube_py.meta.objects import Object
from tests.kubelet.pull_secrets import secret


@pytest.mark.parametrize(
    ("host", "reference"),
    [
        ("registry.example:5000", "registry.example:5000/team/app:1"),
        ("https://index.docker.io/v1/", "app:1"),
        ("https://registry.example", "registry.example/app"),
    ],
)
def test_pull_secrets_are_found_by_registry(host: str, reference: str) -> None:
    secrets = [
        secret("other", {"other.example": ("me", "no")}),
        secret("right", {host: ("me", "pa:ss")}),
    ]

    assert credentials(reference, secrets) == [Credential("me", "pa:ss", "default/right/u-right")]


def test_a_broken_pull_secret_is_no_secret() -> None:
    named: Object = {"metadata": {"name": "a"}}
    broken: list[Object] = [
        {**named, "data": {".dockerconfigjson": "e30k"}},
        {**named, "data": {".dockercfg": "!"}},
        named,
    ]

    assert credentials("app", broken) == []


@pytest.mark.parametrize(
    ("reference", "repository", "full"),
    [
        ("app", "docker.io/library/app", ":latest"),
        ("me/app:2", "docker.io/me/app", ":2"),
        ("index.docker.io/library/app:2", "docker.io/library/app", ":2"),
        ("localhost:5000/app", "localhost:5000/app", ":latest"),
        ("host.example/team/app:2@sha256:ab", "host.example/team/app", "@sha256:ab"),
    ],
)
def test_an_image_has_one_full_name(reference: str, repository: str, full: str) -> None:
    assert repository_of(reference) == repository
    assert full_name(reference) == repository + full
