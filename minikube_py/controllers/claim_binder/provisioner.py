"""What makes the storage behind a volume; the daemon gives the container runtime's own volumes."""

from collections.abc import Mapping
from typing import Protocol

PROVISIONER = "mk.dev/docker-volume"
"""The name StorageClasses say."""
DOCKER_VOLUME = "mk.dev/docker-volume"
"""Annotation of a PersistentVolume: the volume's name at the container engine."""


class VolumeProvisioner(Protocol):
    """Both may raise; it is tried again with a back-off."""

    async def create_volume(self, name: str, labels: Mapping[str, str]) -> str:
        """The directory on the host behind the volume; creating it twice is success."""
        ...

    async def remove_volume(self, name: str) -> None:
        """Removing what is not there is success."""
        ...
