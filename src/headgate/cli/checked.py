"""What is told of an environment whose release was checked."""

from typing import Any


def checked(environment: dict[str, Any]) -> list[str]:
    known = environment.get("checks")
    return [str(known["text"])] if known else []
