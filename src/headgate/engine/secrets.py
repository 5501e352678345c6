"""Secrets: versions for a revision, values for the process that starts. A value is kept nowhere but in memory."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Iterable
from datetime import timedelta
from typing import TypeVar

from headgate.engine.world import World
from headgate.model.releases import Revision
from headgate.model.rules import Environment
from headgate.model.secrets import SecretReference, SecretRules
from headgate.model.services import Service, Value
from headgate.ports import AdapterError, Away, SecretStore, Unusable

LIMIT = timedelta(seconds=10)  # for one answer of a store
LONGEST_VARIABLE = (128 << 10) - 512  # bytes: Linux starts nothing with a longer one, its name included

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


async def versions(world: World, rules: Environment, secrets: Iterable[Value]) -> dict[str, str]:
    """Reference -> the version that is current now. Raises AdapterError where one cannot be told."""
    wanted = list(secrets)
    found = await asyncio.gather(*(_version(world, rules, one) for one in wanted))
    return {one.reference: version for one, version in zip(wanted, found, strict=True)}


async def values(world: World, rules: Environment, revision: Revision, service: str) -> dict[str, str]:
    """Variable -> value, in exactly the versions that the revision was made with. Raises AdapterError.

    Without those that the platform's own system reads: see `references`.
    """
    secret = _read_here(world, rules, revision.service(service))
    found = await asyncio.gather(*(_value(world, rules, revision, one) for one in secret.values()))
    return dict(zip(secret, found, strict=True))


def references(world: World, rules: Environment, revision: Revision, service: str) -> dict[str, SecretReference]:
    """Variable -> where its value is, in the version that the revision was made with. Raises AdapterError."""
    own = revision.service(service)
    here, versions = _read_here(world, rules, own), revision.secret_versions
    return {
        name: SecretReference(_store(world, rules, one)[1], one.text, versions.get(one.reference, ""), one.as_file)
        for name, one in _secret(own).items()
        if name not in here
    }


async def readable(world: World, rules: Environment, secret: Value) -> str:
    """The current version, once its value was read as for a process, and let go. Raises AdapterError."""
    version = await _version(world, rules, secret)
    if not is_by_reference(world, rules, secret):
        await _read(world, rules, secret, version)
    return version


def is_by_reference(world: World, rules: Environment, secret: Value) -> bool:
    """The platform's own system reads it, and this server never does. Raises AdapterError."""
    return _store(world, rules, secret)[1].kind in world.by_reference.get(rules.platform, ())


async def learn(world: World, rules: Environment, revisions: Iterable[Revision]) -> None:
    """So that nothing shows them that runs, whoever started it. Raises AdapterError where one cannot be read."""
    for revision in revisions:
        for service in revision.services:
            here = _read_here(world, rules, service).values()
            if any(_key(revision, one) not in world.hidden.known for one in here):
                await values(world, rules, revision, service.name)


async def gone(world: World, rules: Environment, revision: Revision) -> str:
    """Why a revision cannot run as it was, ever again. A store that is away says nothing: it may be back in time."""
    for service in revision.services:
        try:
            await values(world, rules, revision, service.name)
        except Unusable as error:
            return str(error)
        except AdapterError:
            continue
    return ""


def _secret(service: Service) -> dict[str, Value]:
    return {name: one for name, one in service.env.items() if one.kind == "secret"}


def _read_here(world: World, rules: Environment, service: Service) -> dict[str, Value]:
    return {name: one for name, one in _secret(service).items() if not is_by_reference(world, rules, one)}


def _key(revision: Revision, secret: Value) -> tuple[str, str]:
    return revision.environment, f"{secret.reference} {revision.secret_versions.get(secret.reference, '')}"


async def _version(world: World, rules: Environment, secret: Value) -> str:
    store, where = _store(world, rules, secret)
    return await _answered(world, secret, store.version(secret.text, where))


async def _value(world: World, rules: Environment, revision: Revision, secret: Value) -> str:
    value = await _read(world, rules, secret, revision.secret_versions.get(secret.reference))
    world.hidden.known.add(_key(revision, secret))
    return value


async def _read(world: World, rules: Environment, secret: Value, version: str | None) -> str:
    store, where = _store(world, rules, secret)
    found = await _answered(world, secret, store.get(secret.text, where, version))
    world.hidden.learn(found.value)
    if unfit := _unfit(secret, found.value):
        raise Unusable(f"{_place(secret)}: {unfit}")
    return found.value


def _unfit(secret: Value, value: str) -> str:
    """Why a process cannot be given it in the way that the file asks for; newlines are fine in both ways."""
    size = len(value.encode())
    if not secret.as_file and size > LONGEST_VARIABLE:
        return f"its value of {size >> 10} KiB is more than a variable can hold; add `as: file`"
    if not secret.as_file and "\0" in value:
        return "its value holds a zero byte, which no variable can; store it in base64"
    return ""


def _place(secret: Value) -> str:
    """With the line of the file that asks for it, as far as that is known."""
    return f"secret {secret.reference}{f' of {secret.origin}' if secret.origin else ''}"


async def _answered(world: World, secret: Value, asked: Awaitable[Answer]) -> Answer:
    """Stores are others' programs: what they say of an error is shown only without what it may hold. AdapterError."""
    place = _place(secret)
    try:
        async with asyncio.timeout(LIMIT.total_seconds()):
            return await asked
    except Unusable as error:
        raise Unusable(f"{place}: {world.hidden.hide(str(error))}") from None
    except AdapterError as error:
        raise Away(f"{place} cannot be read: {world.hidden.hide(str(error))}") from None
    except TimeoutError:
        raise Away(f"{place} cannot be read: no answer within {LIMIT.total_seconds():.0f} s") from None
    except Exception as error:  # noqa: BLE001 - whatever a library raises
        at = traceback.extract_tb(error.__traceback__)[-1]  # its words may hold a value that nobody knows yet
        log.error("%s: %s at %s:%s", place, type(error).__name__, at.filename, at.lineno)
        defect = f"{type(error).__name__} (a defect of the adapter; see the server's log)"
        raise AdapterError(f"{place} cannot be read: {defect}") from None


def _store(world: World, rules: Environment, secret: Value) -> tuple[SecretStore, SecretRules]:
    known = ", ".join(rules.secrets) or "none"
    name = secret.store or (next(iter(rules.secrets)) if len(rules.secrets) == 1 else "")
    if name not in rules.secrets:
        which = f"there is no store {name}" if name else "its store is not named"
        raise Unusable(f"{_place(secret)}: {which}; stores of {rules.name}: {known}")
    where = rules.secrets[name]
    if where.kind not in world.secrets:
        raise Unusable(f"{_place(secret)}: nothing here reads stores of kind {where.kind}")
    return world.secrets[where.kind], where
