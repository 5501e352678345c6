"""Secret stores: a reference becomes a value with its version."""
