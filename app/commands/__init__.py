"""The commands of `lerarenkaart …`, a file for each group, and what they share (`terminal`).

Each reads settings and the clock, calls a function of a room, and prints.
"""
