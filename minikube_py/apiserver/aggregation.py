"""Group versions that another server answers for, as APIServices with a Service say: their requests
are passed on with the user's name, and what they serve is merged into discovery.

This server proves itself by its front-proxy certificate, and the other one by the APIService's
caBundle. What this server serves itself is never asked for elsewhere.
"""

import asyncio
import base64
import binascii
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, web

from minikube_py.apiserver.context import state_of
from minikube_py.apiserver.proxy.location import Location, Reference, service_location
from minikube_py.apiserver.proxy.rewriting import forwarded_headers
from minikube_py.apiserver.proxy.transport import ProxyTransport, send_answer, wants_upgrade
from minikube_py.kinds.catalog import API_SERVICE, ENDPOINT_SLICE, SERVICE
from minikube_py.meta.encoding import decode
from minikube_py.meta.errors import ApiError, ServiceUnavailable
from minikube_py.meta.objects import Object, find_condition, get_path, is_condition_true, name_of
from minikube_py.meta.selectors import parse_label_selector
from minikube_py.meta.timestamps import Clock
from minikube_py.meta.users import User
from minikube_py.resources.options import ListOptions
from minikube_py.resources.resources import Resources

_DISCOVERY_SECONDS = 5.0
_DISCOVERY_BYTES = 4 * 1024 * 1024
_FRESH = timedelta(seconds=30)
Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class _Asked:
    at: datetime
    resources: list[Object]


class Aggregator:
    """`serves` says what this server answers itself."""

    def __init__(
        self,
        resources: Resources,
        transport: ProxyTransport,
        serves: Callable[[str, str], bool],
        identify: Callable[[ssl.SSLContext], None],
        clock: Clock,
    ) -> None:
        self._resources = resources
        self._transport = transport
        self._serves = serves
        self._clock = clock
        self._identify = identify
        self._asked: dict[str, _Asked] = {}

    def find(self, group: str, version: str) -> Object | None:
        """The APIService whose Service answers for it; None when this server does, or nobody."""
        found = self._resources.get_or_none(API_SERVICE, None, f"{version}.{group}")
        if found is None or get_path(found, "spec", "service") is None:
            return None
        return None if self._serves(group, version) else found

    async def pass_on(self, request: web.Request, api_service: Object) -> web.StreamResponse:
        """Raises ServiceUnavailable while the Service can't be asked."""
        if not is_condition_true(api_service, "Available"):
            raise ServiceUnavailable(_why(api_service))
        location, trust = self._location(api_service), self._trust_of(api_service)
        headers = _as_user(request)
        if wants_upgrade(request):
            from minikube_py.apiserver.proxy.upgrade import forward_upgrade

            return await forward_upgrade(
                request, self._transport, location, request.raw_path, trust, headers
            )
        answer = await self._transport.send(request, location, request.raw_path, headers, trust)
        try:
            return await send_answer(request, answer)
        finally:
            answer.close()

    async def check(self, api_service: Object) -> tuple[str, str] | None:
        """(reason, message) of what keeps it from being available, None when nothing does."""
        service = get_path(api_service, "spec", "service")
        namespace, name = service.get("namespace") or "", service.get("name") or ""
        if self._resources.get_or_none(SERVICE, namespace, name) is None:
            return "ServiceNotFound", f'service/{name} in "{namespace}" is not present'
        try:
            self._location(api_service)
        except ApiError as error:
            return "MissingEndpoints", error.message
        try:
            await self._ask(api_service)
        except ApiError as error:
            return "FailedDiscoveryCheck", error.message
        return None

    def versions(self) -> dict[str, list[str]]:
        """By group, the preferred first; those of this server are not among them."""
        found: dict[str, list[tuple[int, str]]] = {}
        for one in self._remote():
            group, version = _group_version(one)
            priority = -int(one["spec"].get("versionPriority") or 0)
            found.setdefault(group, []).append((priority, version))
        return {group: [version for _, version in sorted(all_)] for group, all_ in found.items()}

    async def discovered(self) -> dict[tuple[str, str], list[Object] | None]:
        """What each serves, as its own APIResourceList has it; None when it does not answer."""
        remote = self._remote()
        found = await asyncio.gather(*(self._resources_of(one) for one in remote))
        return {_group_version(one): served for one, served in zip(remote, found, strict=True)}

    def _remote(self) -> list[Object]:
        listed = self._resources.list(API_SERVICE, None).objects()
        return [
            one
            for one in listed
            if get_path(one, "spec", "service") is not None
            and not self._serves(*_group_version(one))
        ]

    async def _resources_of(self, api_service: Object) -> list[Object] | None:
        known = self._asked.get(name_of(api_service))
        if not is_condition_true(api_service, "Available"):
            return None
        if known is not None and self._clock() - known.at < _FRESH:
            return known.resources
        try:
            return await self._ask(api_service)
        except ApiError:
            return None

    async def _ask(self, api_service: Object) -> list[Object]:
        """Raises ServiceUnavailable for anything but an APIResourceList."""
        group, version = _group_version(api_service)
        path = f"/apis/{group}/{version}"
        try:
            async with asyncio.timeout(_DISCOVERY_SECONDS):
                status, body = await self._transport.get(
                    self._location(api_service), path, self._trust_of(api_service),
                    limit=_DISCOVERY_BYTES, headers=_user_headers(_ITSELF),
                )  # fmt: skip
        except (TimeoutError, ClientError) as error:
            why = str(error) or "timed out"
            raise ServiceUnavailable(f"failing or missing response from {path}: {why}") from error
        if status != 200:
            message = f"failing or missing response from {path}: bad status {status}"
            raise ServiceUnavailable(message)
        found = decode(body)
        served = found.get("resources") if isinstance(found, dict) else None
        if not isinstance(served, list):
            raise ServiceUnavailable(f"the response from {path} is no APIResourceList")
        self._asked[name_of(api_service)] = _Asked(self._clock(), served)
        return served

    def _location(self, api_service: Object) -> Location:
        service = api_service["spec"]["service"]
        namespace, name = str(service["namespace"]), str(service["name"])
        wanted = Reference("https", name, str(service.get("port") or 443))
        labels = parse_label_selector(f"kubernetes.io/service-name={name}")
        slices = self._resources.list(ENDPOINT_SLICE, namespace, ListOptions(labels=labels))
        found = service_location(
            self._resources.get(SERVICE, namespace, name), slices.objects(), wanted
        )
        return Location("https", found.host, found.port, f"{name}.{namespace}.svc")

    def _trust_of(self, api_service: Object) -> ssl.SSLContext:
        spec = api_service["spec"]
        try:
            return _context(
                spec.get("caBundle") or "", not spec.get("insecureSkipTLSVerify"), self._identify
            )
        except (ssl.SSLError, ValueError, binascii.Error) as error:
            raise ServiceUnavailable(f"spec.caBundle can't be used: {error}") from error


AGGREGATOR = web.AppKey("aggregator", Aggregator)
_ITSELF = User("system:kube-aggregator", ("system:masters",))


@lru_cache(maxsize=32)
def _context(
    bundle: str, checked: bool, identify: Callable[[ssl.SSLContext], None]
) -> ssl.SSLContext:
    """`bundle` is base64 of PEM, "" for the host's own authorities."""
    authorities = base64.b64decode(bundle).decode("ascii") if bundle else None
    context = ssl.create_default_context(cadata=authorities)
    if not checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    identify(context)
    return context


def _as_user(request: web.Request) -> Headers:
    """The request's headers, with who asks instead of how they proved it."""
    passed = forwarded_headers(
        request.headers.items(), client=request.remote or "", uri=request.path
    )
    return [*passed, *_user_headers(state_of(request).user)]


def _user_headers(user: User) -> Headers:
    extra: Mapping[str, Any] = user.extra or {}
    headers = [("X-Remote-User", user.name)]
    headers += [("X-Remote-Group", group) for group in user.groups]
    if user.uid:
        headers.append(("X-Remote-Uid", user.uid))
    for key, values in extra.items():
        headers += [(f"X-Remote-Extra-{quote(key, safe='')}", value) for value in values]
    return headers


def _group_version(api_service: Object) -> tuple[str, str]:
    spec = api_service["spec"]
    return spec.get("group") or "", spec.get("version") or ""


def _why(api_service: Object) -> str:
    condition = find_condition(api_service, "Available") or {}
    said = condition.get("message") or "nobody has asked it yet"
    return f"the server behind APIService {name_of(api_service)} is not available: {said}"
