"""The sections of the file, as pydantic models: which fields there are, their types, defaults and descriptions."""
