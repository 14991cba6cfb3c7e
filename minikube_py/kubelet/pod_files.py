"""What stands in a pod's /etc/hosts, /etc/hostname and /etc/resolv.conf. Pure text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minikube_py.kubelet.podspec import hostname_of, inner_hostname, uses_host_network
from minikube_py.meta.objects import Object, get_path, namespace_of

_MAX_SEARCHES = 32
_MAX_SEARCH_CHARACTERS = 2048
_MAX_NAMESERVERS = 3


def etc_hosts(pod: Object, pod_ip: str, cluster_domain: str, host_file: str) -> str:
    """`host_file` is the host's own, which pods in the host's network see."""
    if uses_host_network(pod):
        text = "# Kubernetes-managed hosts file (host network).\n" + host_file
    else:
        text = (
            "# Kubernetes-managed hosts file.\n"
            "127.0.0.1\tlocalhost\n"
            "::1\tlocalhost ip6-localhost ip6-loopback\n"
            "fe00::0\tip6-localnet\n"
            "fe00::0\tip6-mcastprefix\n"
            "fe00::1\tip6-allnodes\n"
            "fe00::2\tip6-allrouters\n"
        )
        text += f"{pod_ip}\t{_names(pod, cluster_domain)}\n" if pod_ip else ""
    aliases = get_path(pod, "spec", "hostAliases", default=[])
    if aliases:
        text += "\n# Entries added by HostAliases.\n"
        text += "".join(f"{a['ip']}\t{chr(9).join(a.get('hostnames') or [])}\n" for a in aliases)
    return text


def etc_hostname(pod: Object, cluster_domain: str, host_name: str) -> str:
    return (host_name if uses_host_network(pod) else inner_hostname(pod, cluster_domain)) + "\n"


@dataclass(frozen=True)
class Resolver:
    """What a pod's resolv.conf says. `omitted`: what was left out, as an Event tells it."""

    servers: Sequence[str]
    searches: Sequence[str]
    options: Sequence[str]
    omitted: Sequence[str] = ()

    def text(self) -> str:
        lines = [f"search {' '.join(self.searches)}"] if self.searches else []
        lines += [f"nameserver {server}" for server in self.servers]
        lines += [f"options {' '.join(self.options)}"] if self.options else []
        return "".join(line + "\n" for line in lines)


def resolver(pod: Object, *, cluster_dns: str, cluster_domain: str, host_file: str) -> Resolver:
    """`host_file` is the host's own resolv.conf."""
    policy = get_path(pod, "spec", "dnsPolicy", default="ClusterFirst")
    if policy == "ClusterFirst" and uses_host_network(pod):
        policy = "Default"
    host = _parse(host_file)
    if policy in ("ClusterFirst", "ClusterFirstWithHostNet"):
        namespace = namespace_of(pod)
        own = [f"{namespace}.svc.{cluster_domain}", f"svc.{cluster_domain}", cluster_domain]
        servers, searches, options = [cluster_dns], [*own, *host[1]], ["ndots:5"]
    elif policy == "None":
        servers, searches, options = [], [], []
    else:
        servers, searches, options = host
    config: Mapping[str, Any] = get_path(pod, "spec", "dnsConfig", default={})
    return _limited(
        _unique([*servers, *(config.get("nameservers") or [])]),
        _unique([*searches, *(config.get("searches") or [])]),
        _merged_options(options, config.get("options") or []),
    )


def _limited(servers: list[str], searches: list[str], options: list[str]) -> Resolver:
    """glibc reads no more (kubelet's formDNSSearchFitsLimits, formDNSNameserversFitsLimits)."""
    omitted = []
    few = searches[:_MAX_SEARCHES]
    while len(" ".join(few)) > _MAX_SEARCH_CHARACTERS:
        few.pop()
    if few != searches:
        omitted.append(
            "Search Line limits were exceeded, some search paths have been omitted, the applied "
            f"search line is: {' '.join(few)}"
        )
    if len(servers) > _MAX_NAMESERVERS:
        servers = servers[:_MAX_NAMESERVERS]
        omitted.append(
            "Nameserver limits were exceeded, some nameservers have been omitted, the applied "
            f"nameserver line is: {' '.join(servers)}"
        )
    return Resolver(servers, few, options, omitted)


def _names(pod: Object, cluster_domain: str) -> str:
    spec = pod.get("spec") or {}
    if spec.get("hostnameOverride"):
        return str(spec["hostnameOverride"])
    hostname, subdomain = hostname_of(pod), spec.get("subdomain")
    if subdomain:
        full = f"{hostname}.{subdomain}.{namespace_of(pod)}.svc.{cluster_domain}"
        return f"{full}\t{hostname}"
    return hostname


def _parse(text: str) -> tuple[list[str], list[str], list[str]]:
    """(nameservers, searches, options) of a resolv.conf."""
    servers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith(("#", ";")):
            continue
        if words[0] == "nameserver":
            servers += words[1:2]
        elif words[0] in ("search", "domain"):
            searches = [word.rstrip(".") or "." for word in words[1:]]
        elif words[0] == "options":
            options += words[1:]
    return servers, [search for search in searches if search != "."], options


def _merged_options(base: Sequence[str], extra: Sequence[Mapping[str, Any]]) -> list[str]:
    merged = {option.partition(":")[0]: option for option in base}
    for option in extra:
        value = option.get("value")
        text = option["name"] if value is None else f"{option['name']}:{value}"
        merged[option["name"]] = text
    return list(merged.values())


def _unique(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))
