import base64

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


@pytest.mark.parametrize(
    ("key", "reference", "covers"),
    [
        ("shop.example/team", "shop.example/team/app:1", True),
        ("shop.example/team", "shop.example/teams/app:1", False),
        ("https://shop.example/v2/team/app", "shop.example/team/app", True),
        ("shop.example/team/app", "shop.example/team", False),
        ("*.shop.example", "eu.shop.example/app", True),
        ("*.shop.example", "a.eu.shop.example/app", False),
        ("*.shop.example:5000", "eu.shop.example/app", False),
        ("docker.io/me", "me/app", True),
        ("docker.io/me", "app", False),
        ("registry-1.docker.io", "app", True),
    ],
)
def test_an_entry_is_for_a_host_and_a_path(key: str, reference: str, *, covers: bool) -> None:
    assert bool(credentials(reference, [secret("one", {key: ("me", "s3cr3t")})])) is covers


def test_the_entry_with_the_longest_path_is_tried_first() -> None:
    logins = {
        "*.example": ("any", ""), "shop.example": ("shop", ""), "shop.example/team": ("team", ""),
    }  # fmt: skip
    secrets = [secret("first", logins), secret("second", {"shop.example": ("other", "")})]

    found = [one.username for one in credentials("shop.example/team/app", secrets)]

    assert found == ["team", "shop", "other", "any"]


def test_a_broken_pull_secret_is_no_secret() -> None:
    named: Object = {"metadata": {"name": "a"}}
    broken: list[Object] = [
        {**named, "data": {".dockerconfigjson": "e30k"}},
        {**named, "data": {".dockercfg": "!"}},
        {**named, "data": {".dockercfg": base64.b64encode(b'{"docker.io": "me"}').decode()}},
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
