"""Is a measurement one that could have happened? What cannot be is not counted, and said."""

from math import isfinite

from headgate.analysis.evidence import Evidence
from headgate.model.measurements import Measurement, Sample


def fault(evidence: Evidence, measured: Measurement) -> str:
    """Why this tick must not be counted; empty if it may."""
    if measured.missing:
        return "; ".join(measured.missing)
    seconds = (measured.window.end - measured.window.start).total_seconds()
    if seconds <= 0:
        return f"tick {measured.tick} ends before it begins: clocks disagree"
    if evidence.until is not None and measured.window.start < evidence.until:
        return f"tick {measured.tick} begins before the one before it ended: the same answers would count twice"
    sides = (("candidate", measured.candidate), ("stable", measured.stable), ("baseline", measured.baseline))
    for side, samples in sides:
        for service, sample in samples.items():
            if wrong := _impossible(sample):
                return f"{service}: {wrong} of the {side} (a counter that restarted?)"
    return ""


def _impossible(sample: Sample) -> str:
    counts = (sample.requests, sample.errors, *sample.latency.values())
    if not all(isfinite(one) for one in counts):
        return "a count that is no number"
    if any(one < 0 for one in counts):
        return "a negative count"
    if sample.errors > sample.requests:
        return f"{sample.errors} errors in {sample.requests} requests"
    return ""
