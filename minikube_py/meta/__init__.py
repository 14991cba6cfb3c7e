"""Words every layer shares: objects, errors, selectors, quantities, names. Pure, and imports
nothing of ours.
"""
