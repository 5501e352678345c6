"""Values that do not belong in code: secrets, and what holds for one environment only."""
