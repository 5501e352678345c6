"""Measurements on this machine: `python -m benchmarks` runs them all, `python -m benchmarks switch` one."""
