"""Get, list and watch: reads on what the store holds in memory, encoded bytes passed on untouched.

Semantics of resourceVersion, limit and continue as in apiserver's storage/etcd3 and
apimachinery's `metav1.ListOptions` validation.
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from minikube_py.kinds import fields
from minikube_py.kinds.kind import Kind
from minikube_py.meta import encoding
from minikube_py.meta.errors import ApiError, BadRequest, Expired, FieldError, Invalid, Timeout
from minikube_py.resources.conversion import served_bytes
from minikube_py.resources.keys import store_key, store_prefix
from minikube_py.resources.options import ListOptions, ListPage
from minikube_py.resources.selection import DecodedCache, Digests, Selection
from minikube_py.resources.steps import Steps
from minikube_py.resources.watching import ResourceWatch
from minikube_py.store.interface import Item, Page, Store

Encoded = list[bytes]
_CHUNK = 200
_INCONSISTENT = -1
_REVISION_DIGITS = 19
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

    def list(self, kind: Kind, namespace: str | None, options: ListOptions) -> Steps[ListPage]:
        """Raises BadRequest, Invalid, Expired (compacted) or Timeout (not reached yet)."""
        selection = Selection(kind, options.labels, options.fields)
        namespace = namespace or selection.namespace
        start = self._start(kind, namespace, options)
        if selection.name is not None and (namespace or not kind.namespaced):
            return self._list_one(selection, namespace, start.revision)
        if not options.limit or options.limit < 0:
            return self._list_all(selection, start)
        if selection.everything:
            return self._list_limited(selection, start, options.limit)
        return self._list_chosen(selection, start, options.limit)

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
        if not options.resource_version or options.resource_version == "0":
            return None
        wanted = check_reached(options.resource_version, self._store)
        match = options.resource_version_match
        exact = match == "Exact" or (not match and bool(options.limit))
        return wanted if exact else None

    def _list_one(
        self, selection: Selection, namespace: str | None, revision: int | None
    ) -> Steps[ListPage]:
        """A single name is looked up, not searched."""
        assert selection.name is not None
        key = store_key(selection.kind, namespace, selection.name)
        page = self._range(_Start(key, None, revision), limit=1)
        found = [item for item in page.items if item.key == key]
        yield
        return ListPage(self._selected(selection, found), page.revision, "", None)

    def _list_all(self, selection: Selection, start: "_Start") -> Steps[ListPage]:
        found: Encoded = []
        read_at = 0
        for revision, items in self._chunks(start):
            read_at = revision
            found += self._selected(selection, items)
            yield
        return ListPage(found, read_at, "", None)

    def _list_limited(self, selection: Selection, start: "_Start", limit: int) -> Steps[ListPage]:
        items: Encoded = []
        place = start
        while True:
            page = self._range(place, limit=self._at_a_time(place, limit - len(items)))
            items += self._selected(selection, page.items)
            yield
            if page.next_key is None or len(items) == limit:
                break
            place = replace(place, key=page.next_key)
        left = page.remaining if page.remaining is not None else start.left_after(len(items))
        token = _token(page.revision, page.next_key, start.prefix, left)
        return ListPage(items, page.revision, token, left if token else None)

    def _at_a_time(self, start: "_Start", wanted: int) -> int:
        return wanted if self._is_now(start) else min(wanted, _CHUNK)

    def _is_now(self, start: "_Start") -> bool:
        return start.revision is None or start.revision >= self._store.revision

    def _list_chosen(self, selection: Selection, start: "_Start", limit: int) -> Steps[ListPage]:
        """Goes on past what does not match until the page is full. What is left is not known."""
        found: list[Item] = []
        read_at = 0
        for revision, items in self._chunks(start):
            read_at = revision
            yield
            if len(found) == limit:
                return self._chosen(selection, found, revision, items[0].key, start)
            found += self._digests.selected(selection, items)
            if len(found) > limit:
                return self._chosen(selection, found[:limit], revision, found[limit].key, start)
        return self._chosen(selection, found, read_at, None, start)

    def _chosen(
        self,
        selection: Selection,
        found: Sequence[Item],
        revision: int,
        next_key: str | None,
        start: "_Start",
    ) -> ListPage:
        items = [served_bytes(selection.kind, item.value) for item in found]
        return ListPage(items, revision, _token(revision, next_key, start.prefix), None)

    def _chunks(self, start: "_Start") -> Iterator[tuple[int, Sequence[Item]]]:
        """(revision, items): the present out of one snapshot, the past page by page. The first
        may be empty.
        """
        if self._is_now(start):
            page = self._range(start, limit=None)
            yield page.revision, page.items[:_CHUNK]
            for first in range(_CHUNK, len(page.items), _CHUNK):
                yield page.revision, page.items[first : first + _CHUNK]
            return
        while True:
            page = self._range(start, limit=_CHUNK)
            yield page.revision, page.items
            if page.next_key is None:
                return
            start = replace(start, key=page.next_key)

    def _range(self, start: "_Start", *, limit: int | None) -> Page:
        try:
            return self._store.range(
                start.prefix, start_key=start.key, limit=limit, revision=start.revision
            )
        except Expired as error:
            if start.key is None:
                raise Expired("The resourceVersion for the provided list is too old.") from error
            raise ExpiredContinue(_token(_INCONSISTENT, start.key, start.prefix)) from error

    def _selected(self, selection: Selection, items: Sequence[Item]) -> Encoded:
        kind = selection.kind
        if not selection.everything:
            items = self._digests.selected(selection, items)
        return [served_bytes(kind, item.value) for item in items]


@dataclass(frozen=True)
class _Start:
    """Where a page begins: `key` None = at the beginning; `revision` None = as things are now;
    `left` is how many objects the page before left out, where that is known.
    """

    prefix: str
    key: str | None
    revision: int | None
    left: int | None = None

    def left_after(self, count: int) -> int | None:
        return self.left - count if self.left is not None else None


def parse_resource_version(text: str | None) -> int:
    """Raises Invalid for what is no revision."""
    if text and text.isdecimal() and len(text) <= _REVISION_DIGITS:
        return int(text)
    raise Invalid(
        f'resourceVersion: Invalid value: "{text}": must be an unsigned integer as an earlier '
        "response gave it",
        errors=[fields.invalid("resourceVersion", text, "must be an unsigned integer")],
    )


def check_reached(resource_version: str, store: Store) -> int:
    """A read that names a revision may not show an older state. Raises Invalid or Timeout."""
    wanted = parse_resource_version(resource_version)
    if wanted > store.revision:
        raise _too_large(wanted, store.revision)
    return wanted


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
        f"Timeout: Too large resource version: {wanted}, current: {current}",
        details={"causes": [cause], "retryAfterSeconds": 1},
    )


def _token(revision: int, next_key: str | None, prefix: str, left: int | None = None) -> str:
    if next_key is None:
        return ""
    place: dict[str, Any] = {
        "v": _TOKEN_VERSION,
        "rv": revision,
        "start": next_key[len(prefix) :],
    }
    if left is not None:
        place["left"] = left
    return base64.urlsafe_b64encode(encoding.encode(place)).decode().rstrip("=")


def _decode_token(token: str, prefix: str) -> _Start:
    try:
        place = encoding.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        version, revision, start = place["v"], place["rv"], place["start"]
        left = place.get("left")
        well_formed = version == _TOKEN_VERSION and isinstance(start, str) and bool(start)
    except (BadRequest, binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRequest(f"continue key is not valid: {error}") from error
    if not well_formed or not isinstance(revision, int) or not isinstance(left, int | None):
        raise BadRequest("continue key is not valid: it was not given by this server")
    return _Start(prefix, prefix + start, None if revision == _INCONSISTENT else revision, left)
