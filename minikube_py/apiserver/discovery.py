"""What the server has, for clients that look before they ask: the legacy documents, and the
aggregated one (KEP-3352) that newer clients fetch in two requests instead of dozens.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from minikube_py.apiserver import responses
from minikube_py.apiserver.aggregated_discovery import group_items, merge_items, merged_groups
from minikube_py.apiserver.aggregation import AGGREGATOR
from minikube_py.apiserver.context import server_of, state_of
from minikube_py.apiserver.middleware import no_such_resource
from minikube_py.apiserver.negotiation import Media, negotiate_discovery
from minikube_py.apiserver.served import ServedResource, ServedSubresource, served_resources
from minikube_py.kinds.catalog import Catalog
from minikube_py.kinds.schema import KUBERNETES_VERSION
from minikube_py.meta.encoding import encode
from minikube_py.meta.objects import GroupVersionKind

_JSON = Media()
Document = dict[str, Any]


async def core_versions(request: web.Request) -> web.StreamResponse:
    """`/api`."""
    if version := negotiate_discovery(request.headers.get("Accept", "")):
        return _aggregated(request, version, core=True)
    document = {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [
            {"clientCIDR": "0.0.0.0/0", "serverAddress": request.headers.get("Host", "")}
        ],
    }
    return await responses.send_object(request, _JSON, document)


async def groups(request: web.Request) -> web.StreamResponse:
    """`/apis`."""
    if version := negotiate_discovery(request.headers.get("Accept", "")):
        others = group_items(await request.app[AGGREGATOR].discovered())
        return _aggregated(request, version, core=False, others=others)
    found = _all_groups(request)
    document = {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(name, versions) for name, versions in found.items() if name],
    }
    return await responses.send_object(request, _JSON, document)


async def group(request: web.Request) -> web.StreamResponse:
    """`/apis/<group>`."""
    name = request.match_info["group"]
    versions = _all_groups(request).get(name)
    if not name or versions is None:
        raise no_such_resource(state_of(request).target)
    document = {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)}
    return await responses.send_object(request, _JSON, document)


async def resources(request: web.Request) -> web.StreamResponse:
    """`/api/v1` and `/apis/<group>/<version>`."""
    name, version = request.match_info.get("group", ""), request.match_info["version"]
    served = served_resources(server_of(request).resources.catalog).get((name, version))
    if served is None:
        if (other := request.app[AGGREGATOR].find(name, version)) is not None:
            return await request.app[AGGREGATOR].pass_on(request, other)
        raise no_such_resource(state_of(request).target)
    document = {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{name}/{version}" if name else version,
        "resources": [entry for resource in served for entry in _legacy_entries(resource)],
    }
    return await responses.send_object(request, _JSON, document)


async def version(request: web.Request) -> web.StreamResponse:
    """`/version`: the Kubernetes version whose API this is."""
    major, minor = KUBERNETES_VERSION.removeprefix("v").split(".")[:2]
    document = {
        "major": major,
        "minor": minor,
        "gitVersion": KUBERNETES_VERSION,
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }
    return await responses.send_object(request, _JSON, document)


def _aggregated(
    request: web.Request, version: str, *, core: bool, others: Sequence[Document] = ()
) -> web.Response:
    found = served_resources(server_of(request).resources.catalog)
    by_group: dict[str, list[tuple[str, Sequence[ServedResource]]]] = {}
    for (name, group_version), served in found.items():
        if (name == "") is core:
            by_group.setdefault(name, []).append((group_version, served))
    items = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [
                {
                    "version": group_version,
                    "resources": [_aggregated_entry(resource) for resource in served],
                    "freshness": "Current",
                }
                for group_version, served in versions
            ],
        }
        for name, versions in by_group.items()
    ]
    document = {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": merge_items(items, others),
    }
    content_type = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    return with_etag(request, encode(document), content_type)


def with_etag(request: web.Request, body: bytes, content_type: str) -> web.Response:
    """304 when the client already has this very document."""
    etag = f'"{hashlib.sha256(body).hexdigest().upper()}"'
    headers = {"ETag": etag, "Vary": "Accept", "Cache-Control": "public"}
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers={**headers, "Content-Type": content_type})


def _all_groups(request: web.Request) -> dict[str, list[str]]:
    """Those of aggregated servers too."""
    others = request.app[AGGREGATOR].versions()
    return merged_groups(_groups(server_of(request).resources.catalog), others)


def _groups(catalog: Catalog) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, group_version in served_resources(catalog):
        found.setdefault(name, []).append(group_version)
    return found


def _group(name: str, versions: Sequence[str]) -> Document:
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def _legacy_entries(resource: ServedResource) -> list[Document]:
    entry: Document = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.gvk.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return [entry, *(_legacy_subresource(resource, sub) for sub in resource.subresources)]


def _legacy_subresource(resource: ServedResource, subresource: ServedSubresource) -> Document:
    entry: Document = {
        "name": f"{resource.plural}/{subresource.name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": subresource.responds.kind,
        "verbs": list(subresource.verbs),
    }
    if subresource.responds[:2] != resource.gvk[:2]:
        entry["group"], entry["version"] = subresource.responds[:2]
    return entry


def _aggregated_entry(resource: ServedResource) -> Document:
    entry: Document = {
        "resource": resource.plural,
        "responseKind": _gvk(resource.gvk),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {"subresource": sub.name, "responseKind": _gvk(sub.responds), "verbs": list(sub.verbs)}
            for sub in resource.subresources
        ]
    return entry


def _gvk(gvk: GroupVersionKind) -> Document:
    return {"group": gvk.group, "version": gvk.version, "kind": gvk.kind}
