"""`x-kubernetes-validations`: rules in CEL that stand in a schema (KEP-2876)."""
