"""How a webhook is reached: an https URL or a Service, and a path there (apiserver's
util/webhook/validation).
"""

from typing import Any
from urllib.parse import urlsplit

from minikube_py.kinds.fields import invalid, required
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import subdomain_problem
from minikube_py.meta.objects import Object

_FORM = "; desired format: https://host[/path]"
DEFAULT_PORT = 443


def default_client_config(config: Object | None) -> None:
    service = (config or {}).get("service")
    if service is not None and service.get("port") is None:
        service["port"] = DEFAULT_PORT


def validate_client_config(config: Object, path: str) -> list[FieldError]:
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [required(path, "exactly one of url or service is required")]
    if service is not None:
        return _validate_service(service, f"{path}.service")
    return _validate_url(str(url), f"{path}.url")


def _validate_url(url: str, path: str) -> list[FieldError]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return [required(path, f"url must be a valid URL: {error}{_FORM}")]
    errors = []
    user, at, host = parts.netloc.rpartition("@")
    if parts.scheme != "https":
        detail = f"'https' is the only allowed URL scheme{_FORM}"
        errors.append(invalid(path, parts.scheme, detail))
    if not host:
        errors.append(invalid(path, host, f"host must be specified{_FORM}"))
    if at:
        errors.append(invalid(path, user, "user information is not permitted in the URL"))
    if parts.fragment:
        errors.append(invalid(path, parts.fragment, "fragments are not permitted in the URL"))
    if parts.query:
        errors.append(invalid(path, parts.query, "query parameters are not permitted in the URL"))
    return errors


def _validate_service(service: Object, path: str) -> list[FieldError]:
    errors = [
        required(f"{path}.{field}", f"service {field} is required")
        for field in ("name", "namespace")
        if not service.get(field)
    ]
    port: Any = service.get("port", DEFAULT_PORT)
    if not 1 <= port <= 65535:
        detail = "port is not valid: must be between 1 and 65535, inclusive"
        errors.append(invalid(f"{path}.port", port, detail))
    return errors + _validate_path(service.get("path") or "", f"{path}.path")


def _validate_path(url_path: str, path: str) -> list[FieldError]:
    if url_path in ("", "/"):
        return []
    if url_path == "//":
        return [invalid(path, url_path, "segment[0] may not be empty")]
    errors = []
    if not url_path.startswith("/"):
        errors.append(invalid(path, url_path, "must start with a '/'"))
    for index, segment in enumerate(url_path[1:].removesuffix("/").split("/")):
        if not segment:
            errors.append(invalid(path, url_path, f"segment[{index}] may not be empty"))
            continue
        problem = subdomain_problem(segment)
        if problem:
            errors.append(invalid(path, url_path, f"segment[{index}]: {problem}"))
    return errors
