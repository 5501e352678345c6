"""Whether every secret that a file asks for can be had: each is read as for a process that starts, and let go."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.engine.refusals import Unknown
from headgate.engine.secrets import is_by_reference, readable
from headgate.engine.world import World
from headgate.model.rules import Environment
from headgate.model.services import Service, Value
from headgate.ports import AdapterError
from headgate.spec.compile import application, services
from headgate.spec.missing import missing
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read

AT_ONCE = 8  # questions to stores

View = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Needed:
    """One secret, for all variables of one environment that hold it."""

    environment: Environment
    value: Value
    variables: tuple[str, ...]  # "web.DATABASE_URL"


async def check(
    world: World, text: str, filename: str, source: str, present: Mapping[str, Collection[str]], only: str | None
) -> View:
    """Of `only` that environment, or of all. Raises SpecificationError, Unknown."""
    specification = read(text, filename)
    if problems := missing(specification, present):
        raise SpecificationError(problems)
    environments, known = application(specification, source, filename).environments, services(specification)
    chosen = [one for one in environments if only in (None, one.name)]
    if not chosen:
        raise Unknown(f"there is no environment {only!r}; known: {', '.join(one.name for one in environments)}")
    gate = asyncio.Semaphore(AT_ONCE)
    rows = await asyncio.gather(*(_row(world, one, gate) for rules in chosen for one in needed(rules, known)))
    unused = [{"environment": one.name, "store": store} for one in chosen for store in _unused(one, rows)]
    return {"application": specification.application, "secrets": rows, "unused": unused}


def needed(rules: Environment, known: Collection[Service]) -> Iterator[Needed]:
    """Later layers win: what is written for the environment over the service's own."""
    found: dict[str, tuple[Value, list[str]]] = {}
    for service in known:
        env = {**service.env, **rules.env, **rules.service_env.get(service.name, {})}
        for name, value in env.items():
            if value.kind == "secret":
                found.setdefault(value.reference, (value, []))[1].append(f"{service.name}.{name}")
    for value, variables in found.values():
        yield Needed(rules, value, tuple(variables))


async def _row(world: World, one: Needed, gate: asyncio.Semaphore) -> View:
    rules, value = one.environment, one.value
    version, problem, referenced = "", "", False
    try:
        async with gate:
            referenced = is_by_reference(world, rules, value)
            version = await readable(world, rules, value)
    except AdapterError as error:
        problem = str(error)
    return {
        "environment": rules.name,
        "store": value.store or next(iter(rules.secrets), ""),
        "secret": value.text,
        "version": version,
        "variables": list(one.variables),
        "from": value.origin,
        "by_reference": referenced,
        "problem": problem,
    }


def _unused(rules: Environment, rows: Collection[View]) -> list[str]:
    """Nothing is asked of a store that no variable names, so nothing is known of it."""
    used = {row["store"] for row in rows if row["environment"] == rules.name}
    return [store for store in rules.secrets if store not in used]
