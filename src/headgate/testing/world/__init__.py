"""A simulated world: seeded faults, commands and time around the pure rooms, and a watch that holds the invariants.

`python -m headgate.testing.world --seeds 1000` runs it; `tests/world` runs a part of it with every change.
"""
