"""The judges in simulated traffic: `make bench` takes a sample, `python -m benchmarks.verdicts` runs all of it."""


def run() -> None:
    from benchmarks.verdicts.sample import run as sampled  # numpy is heavy, and other benchmarks do not need it

    sampled()
