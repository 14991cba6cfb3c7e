"""From an established CustomResourceDefinition to Kinds: what the built-in ones say in Python,
these say in a structural schema.

Nothing here is imported before the first CustomResourceDefinition is written or read.
"""
