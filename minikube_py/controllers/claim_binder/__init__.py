"""Brings claims and volumes together, makes volumes on demand and takes them back.

`controller` acts; `volumes` makes the objects, `provisioner` says what the daemon must provide.
"""

from minikube_py.controllers.claim_binder.controller import new_claim_binder_controller
from minikube_py.controllers.claim_binder.provisioner import VolumeProvisioner

__all__ = ["VolumeProvisioner", "new_claim_binder_controller"]
