"""StatefulSets: pods with a number, a name that stays, and claims of their own.

`controller` acts; `plan` decides which pod is made or removed next, `identity` what a numbered pod
and its claims look like, `history` which revision of the template is which, `status` what to tell.
"""

from minikube_py.controllers.statefulset.controller import new_statefulset_controller

__all__ = ["new_statefulset_controller"]
