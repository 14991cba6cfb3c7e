"""Who owns which field: managedFields and server-side apply (structured-merge-diff's rules)."""
