"""What is told of an environment whose stable is monitored, or whose old stable is kept warm."""

from typing import Any


def monitored(environment: dict[str, Any]) -> list[str]:
    monitoring = environment.get("monitoring")
    found = [monitoring["text"] if monitoring else None, environment.get("warm")]
    return [str(one) for one in found if one]
