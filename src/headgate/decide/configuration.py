"""A configuration change is itself a release: what is stable, composed anew, may be another revision by now.

It is asked for like any other, with a sentence that names what changed; what was put back does not come by itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from headgate.model.ids import ReleaseId
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import Environment
from headgate.model.secrets import SECRET_NAMES
from headgate.model.services import Service, Value

LONGEST = 60  # characters of one value in a sentence
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]+(?=@)")  # of an address: USER:PASSWORD


@dataclass(frozen=True, slots=True)
class Change:
    """What is stable here would be another revision: how it differs, and why it is not asked for, if it is not."""

    revision: Revision
    why: str
    held: str = ""

    def __str__(self) -> str:
        return f"another configuration is applied ({self.why}): {self.held}" if self.held else self.why


def change(
    rules: Environment, here: EnvironmentState, anew: Revision, quarantined: Mapping[ReleaseId, str]
) -> Change | None:
    """`anew` is the stable release as the applied rules and the secrets of now make it."""
    stable = here.stable
    if stable is None or stable.id == anew.id or stable.release != anew.release:
        return None
    if here.rollout is not None or here.waiting is not None:
        return None  # what is in flight goes first, with what it began with
    differences = changes(stable, anew)
    if not differences:
        return None
    return Change(anew, "; ".join(differences), _held(rules, here, anew, quarantined))


def _held(rules: Environment, here: EnvironmentState, anew: Revision, quarantined: Mapping[ReleaseId, str]) -> str:
    """The first reason that there is, with what a person can do."""
    ask = f"`headgate deploy {rules.name} {anew.label}` asks for it"
    if refused := refused_configuration(here, anew):
        return f"{refused}; {ask}"
    if anew.release in quarantined:
        return f"{anew.label} is quarantined: {quarantined[anew.release]}; `headgate lift {anew.label} --why ...`"
    if here.pin is not None:
        return f"{here.pin.by} pinned {anew.label} as it is; {ask}"
    if _went_back(here):
        return f"a rollback went back to the one that runs; {ask}"
    if rules.deploy == "on-request" and not _left_by_its_apply(here, anew):
        return f"nothing comes by itself here; {ask}"
    return ""


def _left_by_its_apply(here: EnvironmentState, anew: Revision) -> bool:
    """Nothing differs but outputs that the stable's own rollout changed: whoever asked for it asked for those too."""
    run, stable = here.provisioning, here.stable
    promoted = [past.rollout for past in here.past if past.outcome == "promoted"]
    if run is None or run.state != "passed" or run.rollout is None or promoted[-1:] != [run.rollout] or stable is None:
        return False
    made = tuple(f"output {name} by " for name in run.plan.outputs)
    taken = {(one.name, name) for one in anew.services for name, v in one.env.items() if v.origin.startswith(made)}
    return _but_for(taken, anew).is_as(_but_for(taken, stable))


def _but_for(taken: set[tuple[str, str]], revision: Revision) -> Revision:
    """Without those variables of those services."""
    services = (
        replace(one, env={name: value for name, value in one.env.items() if (one.name, name) not in taken})
        for one in revision.services
    )
    return replace(revision, services=tuple(services), configuration="")


def _went_back(here: EnvironmentState) -> bool:
    """What is stable is so by a rollback: whoever went back did not mean to be led on by what is applied."""
    promoted = [past for past in here.past if past.outcome == "promoted"]
    return bool(promoted) and promoted[-1].kind == "rollback"


def refused_configuration(here: EnvironmentState, revision: Revision) -> str:
    """Why what a revision is configured with does not come here by itself; of every release that is configured so."""
    _, why = here.refused_configurations.get(revision.configuration, (None, ""))
    return f"this configuration was put back here: {why}" if why else ""


def changes(before: Revision, after: Revision) -> list[str]:
    """One sentence each. What all services have in common is said once."""
    old, new = ({one.name: one for one in revision.services} for revision in (before, after))
    told = {name: list(_of_service(old[name], new[name])) for name in new if name in old}
    shared = [one for one in next(iter(told.values()), []) if all(one in own for own in told.values())]
    single = len(told) == 1
    own = [one if single else f"{name}: {one}" for name in told for one in told[name] if one not in shared]
    return [*_of_manifests(before, after), *shared, *own, *_of_secrets(before, after)]


def _of_manifests(before: Revision, after: Revision) -> list[str]:
    """Which ones: what stands in them is the release's."""
    old, new = (" ".join((one.path, *one.values)) if one else "none" for one in (before.manifests, after.manifests))
    return [f"manifests {cut(old)} -> {cut(new)}"] if old != new else []


def _of_service(before: Service, after: Service) -> Iterator[str]:
    for name in dict.fromkeys([*before.env, *after.env]):
        old, new = before.env.get(name), after.env.get(name)
        if old != new:
            yield _of_variable(name, old, new)
    if before.replicas != after.replicas:
        yield f"replicas {before.replicas} -> {after.replicas}"


def _of_variable(name: str, old: Value | None, new: Value | None) -> str:
    if new is None:
        return f"{name} is removed"
    if old is None:
        return f"{name} is new: {shown(name, new)}"
    both = shown(name, old), shown(name, new)
    return f"{name} {both[0]} -> {both[1]}" if both[0] != both[1] else f"{name} is another"


def _of_secrets(before: Revision, after: Revision) -> list[str]:
    """Of those that both have: a new one is told with its variable."""
    both = [one for one in after.secret_versions if one in before.secret_versions]
    pairs = [(one, before.secret_versions[one], after.secret_versions[one]) for one in both]
    return [f"secret {one} v{cut(old)} -> v{cut(new)}" for one, old, new in pairs if old != new]


def shown(name: str, value: Value) -> str:
    """A value fit for a sentence: no secret, nor what by its name or form is one though it is written in the file."""
    if value.kind != "plain":
        how = ", as a file" if value.as_file else ""
        return f"{value.kind} {value.reference}{how}"
    if SECRET_NAMES.search(name) and value.text:
        return "***"
    return cut(CREDENTIALS.sub("***", value.text)) or '""'


def cut(text: str) -> str:
    line = "".join(one if one.isprintable() else " " for one in text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
