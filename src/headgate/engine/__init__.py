"""The wheel: remember, look, decide, record, act."""
