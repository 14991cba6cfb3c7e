"""Get, list and watch: reads on what the store holds in memory, encoded bytes passed on untouched.

Semantics of resourceVersion, limit and continue as in apiserver's storage/etcd3 and
apimachinery's `metav1.ListOptions` validation.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from minikube_py.kinds import fields
from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.errors import ApiError, BadRequest, Expired, FieldError, Invalid, Timeout
from minikube_py.resources.conversion import served_bytes
from minikube_py.resources.keys import store_key, store_prefix
from minikube_py.resources.options import ListOptions, ListPage
from minikube_py.resources.selection import DecodedCache, Digests, Selection
from minikube_py.resources.watching import ResourceWatch
from minikube_py.store.interface import Item, Page, Store

Encoded = list[bytes]
_CHUNK = 500
_INCONSISTENT = -1
_TOKEN_VERSION = "meta.k8s.io/v1"  # noqa: S105 (a format's name, not a secret)
_EXPIRED_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


class ExpiredContinue(Expired):
    """Carries the token with which a client may go on, inconsistently."""

    def __init__(self, token: str) -> None:
        super().__init__(_EXPIRED_CONTINUE)
        self.token = token

    def as_status(self) -> dict[str, Any]:
        return {**super().as_status(), "metadata": {"continue": self.token}}


class Reader:
    def __init__(self, store: Store, cache: DecodedCache, digests: Digests) -> None:
        self._store = store
        self._cache = cache
        self._digests = digests

    def list(self, kind: Kind, namespace: str | None, options: ListOptions) -> ListPage:
        """Raises BadRequest, Invalid, Expired (compacted) or Timeout (not reached yet)."""
        selection = Selection(kind, options.labels, options.fields)
        namespace = namespace or selection.namespace
        start = self._start(kind, namespace, options)
        if selection.name is not None and (namespace or not kind.namespaced):
            return self._list_one(selection, namespace, start.revision)
        if options.limit and options.limit > 0:
            return self._list_limited(selection, start, options.limit)
        return self._list_all(selection, start)

    def watch(
        self, kind: Kind, namespace: str | None, options: ListOptions, since: int
    ) -> ResourceWatch:
        """Changes after `since`; raises Expired when they were compacted."""
        selection = Selection(kind, options.labels, options.fields)
        namespace = namespace or selection.namespace
        prefix = store_prefix(kind, namespace)
        only_key = None
        if selection.name is not None and (namespace or not kind.namespaced):
            prefix = only_key = store_key(kind, namespace, selection.name)
        watch = self._store.watch(prefix, since)
        return ResourceWatch(watch, selection, self._cache, since=since, only_key=only_key)

    def _start(self, kind: Kind, namespace: str | None, options: ListOptions) -> "_Start":
        prefix = store_prefix(kind, namespace)
        _check_versions(options)
        if options.continue_token:
            return _decode_token(options.continue_token, prefix)
        return _Start(prefix, None, self._revision_of(options))

    def _revision_of(self, options: ListOptions) -> int | None:
        """The revision to read at, None = now."""
        if options.resource_version in (None, "", "0"):
            return None
        wanted = parse_resource_version(options.resource_version)
        if wanted > self._store.revision:
            raise _too_large(wanted, self._store.revision)
        match = options.resource_version_match
        exact = match == "Exact" or (not match and bool(options.limit))
        return wanted if exact else None

    def _list_one(
        self, selection: Selection, namespace: str | None, revision: int | None
    ) -> ListPage:
        """A single name is looked up, not searched."""
        assert selection.name is not None
        key = store_key(selection.kind, namespace, selection.name)
        page = self._range(_Start(key, None, revision), limit=1)
        found = [item for item in page.items if item.key == key]
        return ListPage(self._selected(selection, found), page.revision, "", None)

    def _list_all(self, selection: Selection, start: "_Start") -> ListPage:
        page = self._range(start, limit=None)
        return ListPage(self._selected(selection, page.items), page.revision, "", None)

    def _list_limited(self, selection: Selection, start: "_Start", limit: int) -> ListPage:
        """Goes on past what does not match until the page is full."""
        if selection.everything:
            page = self._range(start, limit=limit)
            items = self._selected(selection, page.items)
            return self._page(items, page, page.next_key, start)
        found: list[bytes] = []
        while True:
            page = self._range(start, limit=_CHUNK)
            start = _Start(start.prefix, page.next_key, page.revision)
            for index, item in enumerate(page.items):
                found += self._selected(selection, [item])
                if len(found) == limit:
                    rest = page.items[index + 1 :]
                    next_key = rest[0].key if rest else page.next_key
                    return ListPage(
                        found, page.revision, _token(page.revision, next_key, start.prefix), None
                    )
            if page.next_key is None:
                return ListPage(found, page.revision, "", None)

    def _page(self, items: Encoded, page: Page, next_key: str | None, start: "_Start") -> ListPage:
        token = _token(page.revision, next_key, start.prefix)
        return ListPage(items, page.revision, token, page.remaining if token else None)

    def _range(self, start: "_Start", *, limit: int | None) -> Page:
        try:
            return self._store.range(
                start.prefix, start_key=start.key, limit=limit, revision=start.revision
            )
        except Expired as error:
            if start.key is None:
                raise Expired("The resourceVersion for the provided list is too old.") from error
            raise ExpiredContinue(_token(_INCONSISTENT, start.key, start.prefix)) from error

    def _selected(self, selection: Selection, items: Iterable[Item]) -> Encoded:
        kind = selection.kind
        if not selection.everything:
            items = self._digests.selected(selection, items)
        return [served_bytes(kind, item.value) for item in items]


@dataclass(frozen=True)
class _Start:
    """Where a page begins: `key` None = at the beginning; `revision` None = as things are now."""

    prefix: str
    key: str | None
    revision: int | None


def parse_resource_version(text: str | None) -> int:
    """Raises Invalid for what is no revision."""
    if text and text.isdecimal():
        return int(text)
    raise Invalid(
        f'resourceVersion: Invalid value: "{text}": must be an unsigned integer as an earlier '
        "response gave it",
        errors=[fields.invalid("resourceVersion", text, "must be an unsigned integer")],
    )


def _check_versions(options: ListOptions) -> None:
    version, match = options.resource_version, options.resource_version_match
    if options.continue_token and version not in (None, "", "0"):
        raise BadRequest("specifying resource version is not allowed when using continue")
    if not match:
        return
    errors: list[FieldError] = []
    if options.continue_token:
        detail = "resourceVersionMatch is forbidden when continue is provided"
        errors.append(fields.forbidden("resourceVersionMatch", detail))
    if not version:
        detail = "resourceVersionMatch is forbidden unless resourceVersion is provided"
        errors.append(fields.forbidden("resourceVersionMatch", detail))
    if match not in ("Exact", "NotOlderThan"):
        supported = ("Exact", "NotOlderThan")
        errors.append(fields.not_supported("resourceVersionMatch", match, supported))
    if match == "Exact" and version == "0":
        detail = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        errors.append(fields.forbidden("resourceVersionMatch", detail))
    if errors:
        raise Invalid.of("meta.k8s.io", "ListOptions", "", errors)


def _too_large(wanted: int, current: int) -> ApiError:
    """A client that was ahead of this store (another cluster, a restored backup) may wait or list
    anew.
    """
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return Timeout(
        f"Too large resource version: {wanted}, current: {current}",
        details={"causes": [cause], "retryAfterSeconds": 1},
    )


def _token(revision: int, next_key: str | None, prefix: str) -> str:
    if next_key is None:
        return ""
    place = {"v": _TOKEN_VERSION, "rv": revision, "start": next_key[len(prefix) :]}
    return base64.urlsafe_b64encode(encoding.encode(place)).decode().rstrip("=")


def _decode_token(token: str, prefix: str) -> _Start:
    try:
        place = encoding.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, revision, start = place["v"], place["rv"], place["start"]
        well_formed = version == _TOKEN_VERSION and isinstance(start, str) and bool(start)
    except (BadRequest, binascii.Error, ValueError, KeyError, TypeError) as error:
        raise BadRequest(f"continue key is not valid: {error}") from error
    if not well_formed or not isinstance(revision, int):
        raise BadRequest("continue key is not valid: it was not given by this server")
    return _Start(prefix, prefix + start, None if revision == _INCONSISTENT else revision)
