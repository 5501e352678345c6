"""Applying a file: its text as rules, refused with every problem it has, and what they change where."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from headgate.decide import sources
from headgate.engine.acting import acting
from headgate.engine.application import Application
from headgate.engine.engine import Engine
from headgate.engine.unable import check_able
from headgate.model.builds import CiStep
from headgate.model.conditions import Condition
from headgate.model.ids import application_stream, environment_id
from headgate.model.metrics import MetricRule
from headgate.model.notices import Target
from headgate.model.record import SpecificationChanged
from headgate.model.rules import AnalysisRules, Deadlines, Environment, Strategy, Tolerance
from headgate.model.rules import Application as Rules
from headgate.ports import AdapterError
from headgate.spec.calendars import filled
from headgate.spec.compile import application as compiled
from headgate.spec.missing import missing
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read
from headgate.spec.units import written

View = dict[str, Any]
LONGEST_TEXT = 160  # characters of one value in a sentence
MOST_CHANGES = 50  # that are put on record; how many more there were is told


@dataclass(frozen=True, slots=True)
class Understood:
    rules: Rules
    services: tuple[str, ...]
    digest: str = ""  # sha256 of the text


def understand(
    text: str,
    filename: str,
    source: str,
    present: Mapping[str, Collection[str]],
    calendars: tuple[Mapping[str, str], datetime] | None = None,
) -> Understood:
    """`calendars`: path -> text, and when they are read; None: nobody needs them.

    Raises SpecificationError with all that is wrong, adapters that are not there included.
    """
    specification = read(text, filename)
    if problems := missing(specification, present):
        raise SpecificationError(problems)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    rules = compiled(specification, source, filename)
    if calendars:
        rules = filled(rules, specification, *calendars)
    return Understood(rules, tuple(specification.services), digest)


async def apply(engine: Engine, understood: Understood, by: str) -> View:
    rules = understood.rules
    await check_able(engine.world.routers, rules)
    known = engine.applications.get(rules.name)
    before = known.state.specification if known else None
    changed, ci = changes(before, rules), ci_changes(before.ci if before else (), rules.ci)
    notified = notified_changes(before.notifications if before else (), rules.notifications)
    elsewhere = {"ci": ci, "notifications": notified}
    sentences = [f"{name}: {one}" for name, told in {**changed, **elsewhere}.items() for one in told]
    application = await engine.apply(rules, by, await _on_record(engine, understood, by, sentences))
    environments = [
        {"environment": e.name, "changes": changed[e.name], **await _addresses(application, e, understood.services)}
        for e in rules.environments
    ]
    gone = [{"environment": name, "changes": changed[name], "addresses": {}} for name in _gone(before, rules)]
    told = {"application": rules.name, "changed": before != rules, "follows": follows(rules)}
    return {**told, "ci": ci, "notifications": notified, "environments": [*environments, *gone]}


async def _on_record(
    engine: Engine, understood: Understood, by: str, sentences: list[str]
) -> SpecificationChanged:
    who = acting(by)
    recorded = await engine.log.read(application_stream(understood.rules.name))
    digests = [one.event.digest for one in recorded if isinstance(one.event, SpecificationChanged)]
    told, before = tuple(sentences[:MOST_CHANGES]), digests[-1] if digests else ""
    more = len(sentences) - len(told)
    return SpecificationChanged(who.by, who.authenticated, who.source, understood.digest, before, told, more)


def follows(rules: Rules) -> str | None:
    """In words: what moves in which repository becomes a release by itself, and how often one looks."""
    followed = [sources.short(pattern) for pattern in sources.follows(rules)]
    followed += [f"{', '.join(e.branches)} together in {e.name}" for e in rules.environments if e.integrate]
    return f"{', '.join(followed)} of {rules.source} every {written(sources.poll(rules))}" if followed else None


def ci_changes(before: tuple[CiStep, ...], after: tuple[CiStep, ...]) -> list[str]:
    """One sentence for each step that is another than before."""
    old, new = {step.name: step for step in before}, {step.name: step for step in after}
    gone = [f"{name} is removed" for name in old if name not in new]
    told = [f"{name} is new: {_text(step.run)}" for name, step in new.items() if name not in old]
    for name in (name for name in new if name in old):
        told += [f"{name}, {difference}" for difference in _differences("", old[name], new[name])]
    return [*gone, *told]


def notified_changes(before: tuple[Target, ...], after: tuple[Target, ...]) -> list[str]:
    """One sentence for each target that is told of something else than before."""
    old, new = {one.id: one for one in before}, {one.id: one for one in after}
    gone = [f"{_whole(one)} is told nothing any more" for ident, one in old.items() if ident not in new]
    fresh = [one for ident, one in new.items() if old.get(ident) != one]
    return [*gone, *(f"{_whole(one)} is told of {', '.join(one.on)}" for one in fresh)]


async def _addresses(application: Application, rules: Environment, services: tuple[str, ...]) -> View:
    """Where each service will be reached. That the router cannot say so yet does not undo the applying."""
    router = application.world.routers[rules.traffic]
    wanted = {name: rules.listen.get(name) for name in services}
    try:
        found = await router.addresses(environment_id(application.name, rules.name), wanted)
    except AdapterError as error:
        return {"addresses": {}, "problem": str(error)}
    return {"addresses": {name: {"public": one.public, "preview": one.preview} for name, one in found.items()}}


def changes(before: Rules | None, after: Rules) -> dict[str, list[str]]:
    """Environment -> one sentence for each rule that is another than before."""
    told = {e.name: _changed(before.environment(e.name) if before else None, e) for e in after.environments}
    return {**told, **{name: ["removed: what runs there goes on running"] for name in _gone(before, after)}}


def _gone(before: Rules | None, after: Rules) -> list[str]:
    return [rules.name for rules in before.environments if not after.environment(rules.name)] if before else []


def _changed(before: Environment | None, after: Environment) -> list[str]:
    if before is None:
        return [f"new: {_text(after.strategy)} on {after.platform}"]
    return list(_differences("", before, after))


def _differences(prefix: str, before: Any, after: Any) -> Iterator[str]:
    """One sentence for each field that differs; groups of rules are looked into."""
    for field in fields(before):
        name, old, new = (
            f"{prefix}{field.name.replace('_', ' ')}",
            getattr(before, field.name),
            getattr(after, field.name),
        )
        if old == new:
            continue
        if isinstance(old, AnalysisRules | Deadlines):
            yield from _differences(f"{name}: ", old, new)
        elif isinstance(before, AnalysisRules) and field.name == "metrics":
            yield from _of_metrics(prefix, {one.name: one for one in old}, {one.name: one for one in new})
        else:
            yield f"{name}: {_text(old)} -> {_text(new)}"


def _of_metrics(prefix: str, before: Mapping[str, MetricRule], after: Mapping[str, MetricRule]) -> Iterator[str]:
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            yield f"{prefix}metric {name}: removed"
        elif name not in before:
            yield f"{prefix}metric {name}: new"
        else:
            yield from _differences(f"{prefix}metric {name}: ", before[name], after[name])


def _text(value: Any) -> str:
    text = _whole(value)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 3]}..."


def _called(value: Tolerance | Target) -> str:
    if isinstance(value, Target):
        return f"{value.kind} {value.where}"
    return f"worse by {value.accept * 100:.3g} %, of which {value.harm * 100:.3g} % tolerated"


def _whole(value: Any) -> str:
    match value:
        case None | () | {} | "":
            return "none"
        case timedelta():
            return written(value)
        case Strategy():
            extra = [word for word, there in (("sticky", value.sticky), ("audience", value.audience)) if there]
            return " ".join([value.kind, ", ".join(map(str, value.weights)), *extra]).replace("  ", " ").strip()
        case Tolerance() | Target():
            return _called(value)
        case tuple():
            return ", ".join(_whole(one) for one in value)
        case dict():
            return ", ".join(f"{name}={_whole(one)}" for name, one in value.items())
        case _ if hasattr(value, "__dataclass_fields__") and not isinstance(value, Condition):
            return " ".join(f"{field.name}={_whole(getattr(value, field.name))}" for field in fields(value))
        case _:
            return str(value)
