"""What is told of an environment whose stable is monitored, or whose old stable is kept warm."""

from typing import Any


def monitored(environment: dict[str, Any]) -> list[str]:
    monitoring = environment.get("monitoring")
    found = [monitoring["text"] if monitoring else None, environment.get("warm")]
    return [str(one) for one in found if one]


def seen(environment: dict[str, Any]) -> list[str]:
    """What is seen of each service, of all aims the one that is nearest to a breach."""
    monitoring = environment.get("monitoring")
    return [str(one) for one in monitoring["nearest"]] if monitoring else []
