"""Whether what is stable would be configured otherwise now: by rules that were applied, by a secret that was rotated.

A change that may come by itself is asked for like any release; one that may not is told, with the reason. Stores are
asked beside the wheels: one that hangs holds up no rollout.
"""

import asyncio
import logging
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from headgate.decide.configuration import Change, change
from headgate.engine.infrastructure import asks_for_outputs
from headgate.engine.refusals import Rejected
from headgate.engine.secrets import learn
from headgate.model.commands import Deploy
from headgate.model.ids import RevisionId, RolloutId, environment_id
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState
from headgate.model.rules import Environment
from headgate.ports import AdapterError

if TYPE_CHECKING:
    from headgate.engine.application import Application

GRACE = timedelta(seconds=0.2)  # quick stores are waited for
SOON = timedelta(seconds=3)
ENGINE = "headgate"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    rules: Environment
    stable: RevisionId
    at: datetime
    again: bool  # something may change by itself


@dataclass
class Configuring:
    application: "Application"
    changes: dict[str, Change] = field(default_factory=dict)  # by environment, as last looked
    unknown: dict[str, str] = field(default_factory=dict)  # why that cannot be told
    _looked: dict[str, Looked] = field(default_factory=dict)
    _looks: dict[str, asyncio.Task[bool]] = field(default_factory=dict)  # by environment, under way

    def told(self, environment: str) -> list[str]:
        """For `headgate why`: what would be configured otherwise, and what cannot be told."""
        found = self.changes.get(environment)
        unknown = self.unknown.get(environment)
        return [*([str(found)] if found and found.held else []), *([unknown] if unknown else [])]

    def forget(self) -> None:
        """Someone did something about it: looked at anew at once."""
        self._looked.clear()

    def due(self) -> bool:
        return any(look.done() for look in self._looks.values()) or bool(self._due())

    async def ask(self, except_for: set[str]) -> list[str]:
        """Look where it is due, ask for what may come by itself; the environments that were asked meanwhile."""
        begun = [rules for rules in self._due() if rules.name not in except_for]
        for rules in begun:  # in a context of its own: who applied a file does not act in what follows from it
            look = asyncio.create_task(self._look(rules), name=f"secrets of {rules.name}", context=Context())
            self._looks[rules.name] = look
        if begun:
            await asyncio.wait([self._looks[rules.name] for rules in begun], timeout=GRACE.total_seconds())
        ended = [name for name, look in self._looks.items() if look.done()]
        return [name for name in ended if self._looks.pop(name).result()]

    def pause(self, longest: timedelta) -> timedelta:
        """Until a look is due, or may have ended."""
        if self._looks:
            return min(GRACE, longest)
        now = self.application.clock.now()
        quiet = [(r, self._looked[r.name]) for r, here in self._environments() if self._waits(r, here)]
        return min([longest, *(max(one.at + self._every(r) - now, timedelta()) for r, one in quiet)])

    def close(self) -> None:
        for look in self._looks.values():
            look.cancel()
        self._looks.clear()

    def _due(self) -> list[Environment]:
        return [r for r, here in self._environments() if r.name not in self._looks and self._is_due(r, here)]

    def _environments(self) -> list[tuple[Environment, EnvironmentState]]:
        specification = self.application.state.specification
        known = self.application.wheels
        environments = specification.environments if specification else ()
        return [(rules, known[rules.name].state) for rules in environments if rules.name in known]

    def _waits(self, rules: Environment, here: EnvironmentState) -> bool:
        """Looked at, and to be looked at again."""
        before = self._looked.get(rules.name)
        return before is not None and before.again and here.rollout is None and here.waiting is None

    def _is_due(self, rules: Environment, here: EnvironmentState) -> bool:
        if here.stable is None or here.rollout is not None or here.waiting is not None:
            return False
        before = self._looked.get(rules.name)
        if before is None or before.rules != rules or before.stable != here.stable.id:
            return True
        return before.again and not before.at <= self.application.clock.now() < before.at + self._every(rules)

    def _every(self, rules: Environment) -> timedelta:
        """What could not be told is asked again soon: people are shown that it cannot."""
        return min(SOON, rules.secrets_every) if rules.name in self.unknown else rules.secrets_every

    async def _look(self, rules: Environment) -> bool:
        here = self.application.wheels[rules.name].state
        found = await self._found(rules, here)
        held = found is not None and bool(found.held)
        if here.stable:
            again = self._may_change(rules, here.stable) or found is not None or rules.name in self.unknown
            self._looked[rules.name] = Looked(rules, here.stable.id, self.application.clock.now(), again)
        if found is None:
            self.changes.pop(rules.name, None)
            return False
        self.changes[rules.name] = found
        return not held and await self._asked_for(rules.name, found)

    def _may_change(self, rules: Environment, stable: Revision) -> bool:
        """By itself: a secret is rotated, an output is another after somebody's apply."""
        release = self.application.releases.get(stable.release)
        return bool(stable.secret_versions) or (release is not None and asks_for_outputs(rules, release))

    async def _found(self, rules: Environment, here: EnvironmentState) -> Change | None:
        stable, application = here.stable, self.application
        release = application.releases.get(stable.release) if stable else None
        if stable is None or release is None:
            return None
        try:
            if stable.secret_versions:
                await self._learn(rules, here)
            anew = await application.composed(rules, release)
        except AdapterError as error:
            self._cannot(rules.name, f"whether the configuration has changed cannot be told: {error}")
            return None
        self.unknown.pop(rules.name, None)
        here = application.wheels[rules.name].state  # a slow store may have answered after something began
        return change(rules, here, anew, application.quarantined(environment_id(application.name, rules.name)))

    async def _learn(self, rules: Environment, here: EnvironmentState) -> None:
        """A server that was started anew knows what not to show before anything is shown."""
        if self._looked.get(rules.name) is None:
            await learn(self.application.world, rules, [one for one in (here.stable, here.previous) if one])

    async def _asked_for(self, environment: str, found: Change) -> bool:
        application = self.application
        try:
            revision = await application.revision(environment, application.releases[found.revision.release])
            why = f"the configuration changed: {found.why}"
            command = Deploy(revision, RolloutId(application.new_id("rol")), ENGINE, why, automatic=True)
            refused = await application.wheels[environment].command(command)
        except (Rejected, AdapterError) as error:
            self._cannot(environment, f"another configuration ({found.why}) cannot be asked for: {error}")
            return False
        if refused:
            self._cannot(environment, f"another configuration ({found.why}) cannot be asked for: {refused.why}")
        return refused is None

    def _cannot(self, environment: str, why: str) -> None:
        if self.unknown.get(environment) != why:  # it is logged once
            log.warning("%s/%s: %s", self.application.name, environment, why)
        self.unknown[environment] = why
