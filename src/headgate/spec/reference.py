"""The reference file: every field with its default and meaning; example, test and manual at once."""

from importlib.resources import files


def reference() -> str:
    return (files("headgate.spec") / "reference.yml").read_text("utf-8")
