"""What a proxied exchange's headers, redirects and HTML look like from the other side. Pure; the
rules are apimachinery's `util/proxy/transport.go`.
"""

import html
import posixpath
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

_HOP_BY_HOP = frozenset(
    (
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
# The caller's own right to be here, and what the API server says of it itself.
_OURS = ("authorization", "impersonate-", "x-remote-", "x-forwarded-uri", "x-forwarded-for")
_TOKEN_PROTOCOL = "base64url.bearer.authorization.k8s.io."  # noqa: S105 - a subprotocol's prefix

_URL_ATTRIBUTES = {
    "a": ("href",),
    "applet": ("codebase",),
    "area": ("href",),
    "audio": ("src",),
    "base": ("href",),
    "blockquote": ("cite",),
    "body": ("background",),
    "button": ("formaction",),
    "command": ("icon",),
    "del": ("cite",),
    "embed": ("src",),
    "form": ("action",),
    "frame": ("longdesc", "src"),
    "head": ("profile",),
    "html": ("manifest",),
    "iframe": ("longdesc", "src"),
    "img": ("longdesc", "src", "usemap"),
    "input": ("src", "usemap", "formaction"),
    "ins": ("cite",),
    "link": ("href",),
    "object": ("classid", "codebase", "data", "usemap"),
    "q": ("cite",),
    "script": ("src",),
    "source": ("src",),
    "video": ("poster", "src"),
}
_TAG_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]*")
_TAG_STOP = re.compile(r"[\"'>]")
# Whatever it meets it passes, so that hostile pages take no longer than their length.
_ATTRIBUTE = (  # compiled when first used
    r"(?P<name>[^\s\"'<>/=]++)"
    r"(?:(?P<equals>\s*+=\s*+)(?P<value>\"[^\"]*+\"|'[^']*+'|[^\s\"'>]++))?+"
)
_RAW_TEXT = re.compile(r"</(?:script|style)\s*>", re.IGNORECASE)

Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Rewriter:
    """`prefix` is the path up to and with `/proxy`; `hosts` are the names that mean the proxied
    server itself, the first of them the one that the client used.
    """

    prefix: str
    hosts: tuple[str, ...]

    def url(self, target: str) -> str:
        """Other hosts' and relative ones stay as they are."""
        try:
            parts = urlsplit(target)
        except ValueError:
            return target
        if (parts.netloc and parts.netloc not in self.hosts) or not parts.path.startswith("/"):
            return target
        kept = bool(parts.netloc) and parts.netloc == self.hosts[0]
        scheme, host = (parts.scheme, parts.netloc) if kept else ("", "")
        path = parts.path
        if not path.startswith(self.prefix):
            path = posixpath.normpath(f"{self.prefix}/{path}")
            path += "/" if parts.path.endswith("/") else ""
        return urlunsplit((scheme, host, path, parts.query, parts.fragment))

    def page(self, text: str) -> Iterator[str]:
        """HTML with every address that tags refer to put through `url`, piece by piece: a long page
        is some work.
        """
        done = position = 0
        while (start := text.find("<", position)) >= 0:
            name = _TAG_NAME.match(text, start + 1)
            end = _end_of_tag(text, name.end()) if name else _end_of_comment(text, start)
            if end < 0:
                break
            if name is not None and (wanted := _URL_ATTRIBUTES.get(name[0].lower())):
                yield text[done : name.end()]
                yield self._attributes(text[name.end() : end], wanted)
                done = end
            position = end
            if name is not None and name[0].lower() in ("script", "style"):
                raw_end = _RAW_TEXT.search(text, end)
                if raw_end is None:
                    break
                position = raw_end.start()
        yield text[done:]

    def _attributes(self, text: str, wanted: tuple[str, ...]) -> str:
        def attribute(match: re.Match[str]) -> str:
            value = match["value"]
            if value is None or match["name"].lower() not in wanted:
                return match[0]
            before = html.unescape(value[1:-1] if value[0] in "'\"" else value)
            after = self.url(before)
            if after == before:
                return match[0]
            return f'{match["name"]}{match["equals"]}"{html.escape(after)}"'

        return re.sub(_ATTRIBUTE, attribute, text)


def _end_of_comment(text: str, start: int) -> int:
    """Behind it, or behind the `<` that begins nothing; -1 when it never ends."""
    if not text.startswith("<!--", start):
        return start + 1
    end = text.find("-->", start + 4)
    return end + 3 if end >= 0 else -1


def _end_of_tag(text: str, position: int) -> int:
    """Behind its `>`; -1 when it, or a quoted value in it, never ends."""
    while (stop := _TAG_STOP.search(text, position)) is not None:
        if stop[0] == ">":
            return stop.end()
        position = text.find(stop[0], stop.end()) + 1
        if position == 0:
            return -1
    return -1


def forwarded_headers(headers: Headers, *, client: str, uri: str) -> list[tuple[str, str]]:
    """A request's, on its way to whoever is proxied; `client` is the address it came from."""
    kept = list(headers)
    before = [value for name, value in kept if name.lower() == "x-forwarded-for"]
    passed = [
        (name, value)
        for name, value in _end_to_end(kept)
        if not name.lower().startswith(_OURS) and name.lower() != "sec-websocket-protocol"
    ]
    protocols = _without_token(kept)
    if protocols:
        passed.append(("Sec-WebSocket-Protocol", protocols))
    return [
        *passed,
        ("X-Forwarded-Uri", uri),
        ("X-Forwarded-For", ", ".join([*before, client])),
    ]


def returned_headers(headers: Headers) -> list[tuple[str, str]]:
    """An answer's, on its way to the client. Which pages may read it is the API server's to say."""
    return [
        (name, value)
        for name, value in _end_to_end(list(headers))
        if not name.lower().startswith("access-control-")
    ]


def decoded_page(body: bytes, encoding: str, *, limit: int) -> bytes | None:
    """HTML as it was before Content-Encoding; None for an encoding that isn't known, a body that
    isn't in it, or one of more than `limit` bytes.
    """
    bits = {"gzip": 31, "deflate": -15, "": 0}.get(encoding.lower())
    if bits is None:
        return None
    if not bits:
        return body
    reader = zlib.decompressobj(bits)
    try:
        page = reader.decompress(body, limit)
    except zlib.error:
        return None
    return page if reader.eof else None


def _end_to_end(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    named = {
        token.strip().lower()
        for name, value in headers
        if name.lower() == "connection"
        for token in value.split(",")
    }
    dropped = _HOP_BY_HOP | named
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def _without_token(headers: list[tuple[str, str]]) -> str:
    offered = [
        protocol.strip()
        for name, value in headers
        if name.lower() == "sec-websocket-protocol"
        for protocol in value.split(",")
    ]
    return ", ".join(one for one in offered if not one.startswith(_TOKEN_PROTOCOL))
