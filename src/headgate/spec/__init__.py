"""The file the user writes: read it, check it, turn it into the model."""
