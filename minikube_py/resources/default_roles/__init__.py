"""The roles and bindings every cluster holds (Kubernetes' bootstrap policy)."""
