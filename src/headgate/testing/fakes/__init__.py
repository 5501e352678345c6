"""In-memory stand-ins for the seams. They pass the same contract suites as the real adapters."""
