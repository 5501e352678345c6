"""Statistics: measurements in, a verdict with its reasons out. Pure."""
