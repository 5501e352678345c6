"""Adapters of the seam ValueSource: one number at a time, for the metrics that a file brings."""
