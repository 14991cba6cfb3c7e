"""How this API server and aggregated ones know each other: a front-proxy certificate, which servers
learn to trust from the ConfigMap `extension-apiserver-authentication`.
"""

import json
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from minikube_py.apiserver.aggregation import AGGREGATOR
from minikube_py.apiserver.served import served_resources
from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.controllers.api_service import new_api_service_controller
from minikube_py.daemon.certificates import CertificateAuthority
from minikube_py.kinds.catalog import CONFIG_MAP
from minikube_py.meta.errors import AlreadyExists
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.resources import Resources

_FRONT_PROXY = "front-proxy-client"
_CONFIG_MAP = ("kube-system", "extension-apiserver-authentication")


def front_proxy(authority: CertificateAuthority) -> Callable[[ssl.SSLContext], None]:
    """Its certificate is made when first shown, and anew with each daemon."""

    def identify(context: ssl.SSLContext) -> None:
        pair = authority.issue_client(_FRONT_PROXY, ())
        # The ssl module reads keys from files only; this one is private and gone at once.
        with tempfile.TemporaryDirectory(prefix="mk-tls-") as folder:
            pem = Path(folder) / "client.pem"
            pem.touch(mode=0o600)
            pem.write_bytes(pair.certificate + pair.key)
            context.load_cert_chain(pem)

    return identify


async def publish_front_proxy(resources: Resources, authority: CertificateAuthority) -> None:
    """What extension API servers read to know their front proxy; put right at every start."""
    namespace, name = _CONFIG_MAP
    certificate = authority.certificate_pem.decode()
    data = {
        "client-ca-file": certificate,
        "requestheader-allowed-names": json.dumps([_FRONT_PROXY]),
        "requestheader-client-ca-file": certificate,
        "requestheader-extra-headers-prefix": json.dumps(["X-Remote-Extra-"]),
        "requestheader-group-headers": json.dumps(["X-Remote-Group"]),
        "requestheader-uid-headers": json.dumps(["X-Remote-Uid"]),
        "requestheader-username-headers": json.dumps(["X-Remote-User"]),
    }
    wanted: Object = {"metadata": {"name": name, "namespace": namespace}, "data": data}
    found = resources.get_or_none(CONFIG_MAP, namespace, name)
    if found is None:
        try:
            await resources.create(CONFIG_MAP, namespace, wanted)
        except AlreadyExists:
            return
    elif found.get("data") != data:
        await resources.modify(CONFIG_MAP, namespace, name, lambda fresh: fresh.update(data=data))


def api_services(
    resources: Resources, informers: Informers, clock: Clock, app: web.Application
) -> Controller:
    return new_api_service_controller(
        resources,
        informers,
        clock,
        served=lambda: served_resources(resources.catalog).keys(),
        check=app[AGGREGATOR].check,
    )
