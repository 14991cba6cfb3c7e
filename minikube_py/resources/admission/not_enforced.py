"""Objects that are kept but not acted upon yet: whoever writes one is told what does not happen.

They are stored, so that charts that bring them install.
"""

from collections.abc import Mapping

from minikube_py.resources.admission.request import AdmissionRequest, Lookup

_NOT_ENFORCED = "no request is changed or refused because of it"
_GROUPS: Mapping[str, str] = {
    "admissionregistration.k8s.io": _NOT_ENFORCED,
    "flowcontrol.apiserver.k8s.io": "no request is queued or refused because of it",
    "resource.k8s.io": "no device is allocated because of it",
    "storagemigration.k8s.io": "nothing is written again because of it",
}
_KINDS: Mapping[tuple[str, str], str] = {
    ("", "ReplicationController"): "no controller makes its Pods; use a Deployment",
    ("apps", "DaemonSet"): "no controller makes its Pods",
    ("autoscaling", "HorizontalPodAutoscaler"): "nothing is scaled because of it",
    ("batch", "CronJob"): "no controller makes its Jobs",
    ("batch", "Job"): "no controller makes its Pods; use a Pod with restartPolicy OnFailure",
    ("certificates.k8s.io", "CertificateSigningRequest"): "nobody signs it",
    ("certificates.k8s.io", "PodCertificateRequest"): "nobody signs it",
    ("networking.k8s.io", "NetworkPolicy"): "no packet is dropped because of it",
    ("networking.k8s.io", "ServiceCIDR"): "Services keep the range of `mk up --service-cidr`",
    ("storage.k8s.io", "CSIDriver"): "no CSI driver is asked",
    ("storage.k8s.io", "VolumeAttachment"): "nothing is attached because of it",
}


def tell_not_enforced(request: AdmissionRequest, _lookup: Lookup) -> None:
    kind = request.kind
    what = _KINDS.get((kind.group, kind.kind)) or _GROUPS.get(kind.group)
    if what is None or request.subresource or request.operation == "DELETE":
        return
    request.warnings.append(f"{kind.kind} {request.name} is stored but not enforced yet: {what}")
