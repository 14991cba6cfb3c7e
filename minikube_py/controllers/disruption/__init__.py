"""How many pods of each PodDisruptionBudget are there, and how many of them may go.

`status` decides, `controller` reads and writes. Without it every eviction that a budget covers is
refused for ever: the API charges what this package allows.
"""
