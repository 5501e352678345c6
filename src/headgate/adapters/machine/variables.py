"""The variables of a service, and how they are filled in."""

import re
from collections.abc import Mapping

from headgate.model.services import Service
from headgate.ports import AdapterError

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
REFERENCE = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([^}]*)\})")


def service_variables(
    service: Service, inherited: Mapping[str, str], given: Mapping[str, str], where: str
) -> dict[str, str]:
    """What the platform gives (PORT, RELEASE, ...) cannot be replaced by the service; what is inherited can."""
    base = {**inherited, **given}
    own = {}
    for name, value in service.env.items():
        place = f"{where}, variable {name}"
        if not VARIABLE_NAME.fullmatch(name):
            raise AdapterError(f"{place}: a variable's name has letters, digits and _ only, and no digit first")
        if value.kind != "plain":
            raise AdapterError(f"{place}: the {value.kind} {value.text!r} was not resolved; give a plain value for now")
        own[name] = expand(value.text, base, place)
    return {**base, **own, **given}


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
