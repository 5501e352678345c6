"""The variables of a service, and how they are filled in."""

import re
from collections.abc import Mapping

from headgate.model.services import Service
from headgate.ports import AdapterError

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
REFERENCE = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([^}]*)\})")


NO_SECRETS: Mapping[str, str] = {}


def service_variables(
    service: Service,
    inherited: Mapping[str, str],
    given: Mapping[str, str],
    where: str,
    secrets: Mapping[str, str] = NO_SECRETS,
) -> dict[str, str]:
    """What the platform gives (PORT, RELEASE, ...) cannot be replaced by the service; what is inherited can.

    `secrets` has what the secret variables are to hold: taken as it is, whatever is in it.
    """
    base = {**inherited, **given}
    own = {}
    for name, value in service.env.items():
        place = f"{where}, variable {name}"
        if not VARIABLE_NAME.fullmatch(name):
            raise AdapterError(f"{place}: a variable's name has letters, digits and _ only, and no digit first")
        if value.kind == "secret" and name in secrets:
            own[name] = secrets[name]
            continue
        if value.kind != "plain":
            raise AdapterError(f"{place}: the {value.kind} {value.text!r} was not resolved; give a plain value for now")
        own[name] = expand(value.text, base, place)
    return {**base, **own, **given}


def for_command_lines(service: Service, variables: Mapping[str, str], where: str) -> dict[str, str]:
    """Without secrets: everybody on a machine may read its command lines. The path of a file is none."""
    secret = {name for name, value in service.env.items() if value.kind == "secret" and not value.as_file}
    used = {match[2] or match[3] for part in service.command for match in REFERENCE.finditer(part) if not match[1]}
    if told := sorted(used & secret):
        remedy = "let the program read the variable, or hand it over with `as: file`"
        raise AdapterError(f"{where}: ${told[0]} is a secret, and command lines are seen by everybody: {remedy}")
    return {name: value for name, value in variables.items() if name not in secret}


def expand(text: str, variables: Mapping[str, str], where: str) -> str:
    """`$NAME` and `${NAME}` once, without a shell; `$$` is a dollar sign."""

    def replacement(match: re.Match[str]) -> str:
        name = match[2] or match[3]
        if match[1]:
            return "$"
        if name not in variables:
            known = ", ".join(sorted(variables))
            raise AdapterError(f"{where}: {match[0]} is not known (known: {known}). Write $$ for a dollar sign")
        return variables[name]

    return REFERENCE.sub(replacement, text)
