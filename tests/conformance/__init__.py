"""The behaviours that Kubernetes conformance names, one test each, on a real cluster."""
