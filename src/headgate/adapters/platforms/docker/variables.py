"""What a service in a container is told: its variables, and where the other services are. Pure."""

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from headgate.adapters.machine.variables import expand, for_command_lines
from headgate.adapters.platforms.docker.containers import DATA, LOOPBACK
from headgate.adapters.platforms.docker.images import Image
from headgate.model.releases import Revision
from headgate.model.services import Service, Value
from headgate.ports import AdapterError


def inherited(image: Image) -> dict[str, str]:
    """Output is seen when it is written, not at the end, unless the image says otherwise."""
    return {"PYTHONUNBUFFERED": "1", **image.variables}


def given(revision: Revision, service: Service) -> dict[str, str]:
    """What cannot be replaced. All addresses inside: only the published port on loopback leads there from outside."""
    application, _, environment = revision.environment.partition("/")
    return {
        "HOST": "0.0.0.0",  # noqa: S104
        "PORT": str(service.port),
        "APPLICATION": application,
        "ENVIRONMENT": environment,
        "SERVICE": service.name,
        "RELEASE": revision.release,
        "REVISION": revision.id,
        "DATA_DIR": DATA,
    }


def own(service: Service, revision: Revision, server: str) -> Service:
    """The same service, told of the others by the address at which its container reaches this machine.

    Only what Headgate wrote itself is changed: a loopback address of the file's author is meant as it stands.
    """
    others = {f"{re.sub(r'[^A-Z0-9]', '_', other.name.upper())}_URL" for other in revision.services}
    env = {name: _reached(value, server) if name in others else value for name, value in service.env.items()}
    return replace(service, env=env)


def _reached(value: Value, server: str) -> Value:
    parts = urlsplit(value.text)
    if value.kind != "plain" or parts.hostname != LOOPBACK:
        return value
    return Value("plain", value.text.replace(LOOPBACK, server, 1))


def command_of(service: Service, image: Image, variables: Mapping[str, str], where: str) -> tuple[str, ...]:
    """Empty: the image's own."""
    if not service.command and not image.has_command:
        raise AdapterError(
            f"{where}: the image {service.image} says no command: write `command: [program, argument, ...]`"
        )
    seen = for_command_lines(service, variables, f"{where}, command")
    return tuple(expand(part, seen, f"{where}, command") for part in service.command)
