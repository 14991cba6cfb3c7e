"""kubeconfig files: which cluster to speak to, and entering or leaving a cluster of mk's own.

Files are written atomically, keep what they hold of other clusters, and under sudo belong to the
user who typed sudo.
"""

import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from minikube_py.cli.errors import CliError

_UNFIT = re.compile(r"[^\w.]")  # for the name of a folder, by kubectl
_SECTIONS = (("clusters", "cluster"), ("users", "user"), ("contexts", "context"))


@dataclass(frozen=True)
class Owner:
    uid: int
    gid: int
    home: Path


@dataclass(frozen=True)
class Access:
    """All that is needed to speak to one cluster; `cluster` and `user` are kubeconfig's own."""

    context: str
    cluster: dict[str, Any]
    user: dict[str, Any]
    namespace: str = "default"
    folder: Path = field(default_factory=Path)
    """Relative file names in `cluster` and `user` start here."""

    @property
    def server(self) -> str:
        return str(self.cluster.get("server", ""))


def invoking_user() -> Owner:
    """Whoever typed the command, also through sudo."""
    uid = os.geteuid()
    if uid == 0 and (sudo_uid := os.environ.get("SUDO_UID", "")).isdigit():
        uid = int(sudo_uid)
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Owner(uid, os.getegid(), Path.home())
    home = Path(entry.pw_dir) if uid != os.geteuid() else Path.home()
    return Owner(uid, entry.pw_gid, home)


def config_paths(explicit: str | None = None) -> list[Path]:
    """--kubeconfig, else KUBECONFIG's list, else the user's ~/.kube/config."""
    if explicit:
        return [Path(explicit).absolute()]
    listed = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    if listed:
        return [Path(part).absolute() for part in listed]
    return [invoking_user().home / ".kube" / "config"]


def find_access(paths: Sequence[Path], context: str | None = None) -> Access:
    """The chosen or current context; raises CliError that says which there are."""
    documents = [(path, _load(path)) for path in paths if path.exists()]
    if not documents:
        raise CliError(
            f"no kubeconfig at {', '.join(str(path) for path in paths)}: start a cluster with "
            "`mk up`, or name a file with --kubeconfig"
        )
    name = context or next(
        (
            str(config["current-context"])
            for _, config in documents
            if config.get("current-context")
        ),
        "",
    )
    if not name:
        raise CliError(f"no current context: choose one with --context ({_names(documents)})")
    found = _entry(documents, "contexts", "context", name)
    if found is None:
        raise CliError(f'no context "{name}" in the kubeconfig; there is: {_names(documents)}')
    _, entry = found
    cluster = _entry(documents, "clusters", "cluster", str(entry.get("cluster", "")))
    if cluster is None:
        raise CliError(
            f'the context "{name}" names the cluster "{entry.get("cluster")}", which the '
            "kubeconfig does not have"
        )
    user = _entry(documents, "users", "user", str(entry.get("user", "")))
    folder = (user or cluster)[0].parent
    return Access(
        context=name,
        cluster=_absolute(cluster[1], cluster[0].parent),
        user=_absolute(user[1], user[0].parent) if user else {},
        namespace=str(entry.get("namespace") or "default"),
        folder=folder,
    )


def merge_into(paths: Sequence[Path], source: Path) -> Path:
    """Enters all of `source` (a cluster's own kubeconfig) and makes it current; returns the file
    that was written.
    """
    new = _load(source)
    target = _file_to_write(paths, str(new.get("current-context", "")))
    config = _load(target) if target.exists() else _new_config()
    for section, _ in _SECTIONS:
        entries = new.get(section) or []
        names = {entry["name"] for entry in entries}
        kept = [entry for entry in config.get(section) or [] if entry.get("name") not in names]
        config[section] = [*kept, *entries]
    config["current-context"] = new["current-context"]
    _write(target, config)
    return target


def remove_context(paths: Sequence[Path], name: str) -> list[Path]:
    """Takes the context out, and its cluster and user unless others use them; returns the files
    that changed.
    """
    changed = []
    for path in paths:
        if not path.exists():
            continue
        config = _load(path)
        before = deepcopy(config)
        _remove(config, name)
        if config != before:
            _write(path, config)
            changed.append(path)
    return changed


def forget_discovery(paths: Sequence[Path], name: str) -> None:
    """What kubectl remembers, for six hours, of the kinds that the context's cluster serves: the
    next cluster answers on the same port, and `kubectl get all` would ask it for kinds of this one.
    """
    try:
        server = find_access([path for path in paths if path.exists()], name).server
    except CliError:
        return
    told = os.environ.get("KUBECACHEDIR")
    cache = Path(told) if told else invoking_user().home / ".kube" / "cache"
    host = server.partition("://")[2]
    if host:
        shutil.rmtree(cache / "discovery" / _UNFIT.sub("_", host), ignore_errors=True)


def _remove(config: dict[str, Any], name: str) -> None:
    contexts = config.get("contexts") or []
    gone = [entry.get("context") or {} for entry in contexts if entry.get("name") == name]
    config["contexts"] = [entry for entry in contexts if entry.get("name") != name]
    for section, word in _SECTIONS[:2]:
        used = {(entry.get("context") or {}).get(word) for entry in config["contexts"]}
        unused = {context.get(word) for context in gone} - used
        config[section] = [e for e in config.get(section) or [] if e.get("name") not in unused]
    if gone and config.get("current-context") == name:
        config["current-context"] = ""


def _file_to_write(paths: Sequence[Path], context: str) -> Path:
    existing = [path for path in paths if path.exists()]
    for path in existing:
        names = [entry.get("name") for entry in _load(path).get("contexts") or []]
        if context in names:
            return path
    return existing[0] if existing else paths[-1]


def yaml_parser() -> ModuleType:
    """Imported when first used: `mk up` has its time for that while the daemon starts."""
    import yaml

    return yaml


def _load(path: Path) -> dict[str, Any]:
    yaml = yaml_parser()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        config = yaml.load(path.read_bytes(), loader)
    except yaml.YAMLError as error:
        raise CliError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    except OSError as error:
        raise CliError(f"cannot read {path}: {error.strerror}") from error
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise CliError(f"{path} is no kubeconfig: a mapping is expected")
    return config


def _write(path: Path, config: dict[str, Any]) -> None:
    """Atomic; a link stays a link; the owner is the old file's, else the invoking user."""
    yaml = yaml_parser()
    path = path.resolve()
    owner = invoking_user()
    uid, gid, mode = owner.uid, owner.gid, 0o600
    try:
        if path.exists():
            status = path.stat()
            uid, gid, mode = status.st_uid, status.st_gid, status.st_mode & 0o777
        elif not path.parent.exists():
            path.parent.mkdir(parents=True, mode=0o750)
            _give(path.parent, uid, gid)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
        with os.fdopen(descriptor, "w") as file:
            yaml.safe_dump(config, file, sort_keys=False)
            file.flush()
            os.fsync(file.fileno())
        temporary = Path(name)
        temporary.chmod(mode)
        _give(temporary, uid, gid)
        temporary.replace(path)
    except OSError as error:
        raise CliError(f"cannot write {path}: {error.strerror}") from error


def _give(path: Path, uid: int, gid: int) -> None:
    if os.geteuid() == 0:
        os.chown(path, uid, gid)


def _entry(
    documents: Sequence[tuple[Path, dict[str, Any]]], section: str, word: str, name: str
) -> tuple[Path, dict[str, Any]] | None:
    """The first file that has it wins, as with kubectl."""
    for path, config in documents:
        for entry in config.get(section) or []:
            if entry.get("name") == name:
                return path, entry.get(word) or {}
    return None


def _absolute(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    files = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
    return {
        name: str(folder / value) if name in files and value else value
        for name, value in entry.items()
    }


def _names(documents: Sequence[tuple[Path, dict[str, Any]]]) -> str:
    names = [entry.get("name", "") for _, c in documents for entry in c.get("contexts") or []]
    return ", ".join(names) or "none"


def _new_config() -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Config", "preferences": {}}
