import json
from pathlib import Path

import pytest

from minikube_py.container_runtime.interface import ImageInfo
from minikube_py.kubelet.host_files import HostFiles
from minikube_py.kubelet.pull_records import PullRecords
from minikube_py.kubelet.registry_auth import credentials
from minikube_py.meta.objects import Object
from tests.kubelet.pull_secrets import secret

APP = "shop.example/app"
ID = f"sha256:{'ab' * 32}"
IMAGE = ImageInfo(ID, tags=(f"{APP}:1", "mine:2"), digests=(f"{APP}@sha256:{'cd' * 32}",))
OURS = secret("ours", {"shop.example": ("me", "s3cr3t")})
SAME = secret("same", {"shop.example": ("me", "s3cr3t")})
OTHER = secret("other", {"shop.example": ("me", "wrong")})
CHANGED = secret("ours", {"shop.example": ("me", "new")})
ELSEWHERE = secret("elsewhere", {"other.example": ("me", "s3cr3t")})


async def pull(records: PullRecords, before: ImageInfo | None = None) -> None:
    [credential] = credentials(APP, [OURS])
    await records.begin(f"{APP}:1", before)
    await records.pulled(f"{APP}:1", IMAGE, credential)


@pytest.mark.parametrize(
    ("secrets", "may"),
    [
        pytest.param([], False, id="none"),
        pytest.param([OURS], True, id="the same secret"),
        pytest.param([OTHER, SAME], True, id="the same password"),
        pytest.param([CHANGED], True, id="the same secret, changed since"),
        pytest.param([OTHER], False, id="another password"),
        pytest.param([ELSEWHERE], False, id="of another registry"),
    ],
)
async def test_credentials_are_compared(secrets: list[Object], may: bool) -> None:
    records = PullRecords()

    await pull(records)

    assert records.may_use(IMAGE, f"{APP}:1", lambda: secrets) is may


@pytest.mark.parametrize(
    ("reference", "may"),
    [
        pytest.param(f"{APP}@sha256:{'cd' * 32}", False, id="by digest"),
        pytest.param(ID, False, id="by id"),
        pytest.param("abababababab", False, id="by the beginning of the id"),
        pytest.param("mine:2", True, id="by a name the host gave it"),
    ],
)
async def test_it_is_private_by_all_names_but_the_hosts_own(reference: str, may: bool) -> None:
    records = PullRecords()

    await pull(records)

    assert records.may_use(IMAGE, reference, tuple) is may
    assert records.may_use(IMAGE, reference, lambda: [OURS])


async def test_what_the_host_had_before_stays_everybodys() -> None:
    records = PullRecords()

    await pull(records, before=IMAGE)

    assert records.may_use(IMAGE, f"{APP}:1", tuple)
    assert records.may_use(ImageInfo("sha256:12"), "app:1", tuple)


async def test_while_it_is_pulled_it_is_nobodys_and_after_a_failure_as_before() -> None:
    records = PullRecords()

    await records.begin(f"{APP}:1", None)
    during = records.may_use(IMAGE, ID, lambda: [OURS])
    await records.failed(f"{APP}:1")

    assert not during
    assert records.may_use(IMAGE, ID, tuple)


async def test_records_outlive_the_daemon_without_a_password(tmp_path: Path) -> None:
    path, files = tmp_path / "data" / "image-pulls.json", HostFiles(privileged=False)

    await pull(PullRecords.of_file(path, files))
    again = PullRecords.of_file(path, files)

    assert not again.may_use(IMAGE, f"{APP}:1", tuple)
    assert again.may_use(IMAGE, f"{APP}:1", lambda: [SAME])
    assert "s3cr3t" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    files.close()


async def test_of_images_that_are_gone_nothing_is_kept() -> None:
    kept: list[str] = []

    async def save(text: str) -> None:
        kept.append(text)

    records = PullRecords(save=save)
    await pull(records)
    records.forget_others(["sha256:other"])
    await records.begin("app:2", None)

    assert json.loads(kept[-1])["private"] == {}


@pytest.mark.parametrize("kept", [b"{", b"[]", b'{"private": 1}'])
def test_damaged_records_are_said(kept: bytes, caplog: pytest.LogCaptureFixture) -> None:
    records = PullRecords(kept)

    assert records.may_use(IMAGE, ID, tuple)
    assert "docker rmi" in caplog.text
