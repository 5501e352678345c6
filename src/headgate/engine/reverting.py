"""Undoing quarantined releases in the repository, where the file asks for it. What cannot be pushed is tried again."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from headgate.decide.reverts import asks, next_revert
from headgate.engine.application import Application
from headgate.engine.releasing import record
from headgate.model.ids import ReleaseId
from headgate.model.reverts import CommitReverted, Undoing
from headgate.model.rules import Application as Rules
from headgate.ports import AdapterError

TRIES = 8
FIRST_PAUSE = timedelta(seconds=2)  # doubled each time: 8 tries take about four minutes

log = logging.getLogger(__name__)


@dataclass
class Reverter:
    application: Application
    _tried: dict[ReleaseId, tuple[int, datetime]] = field(default_factory=dict)  # times, and when it is tried again

    async def turn(self, rules: Rules, heads: Mapping[str, str]) -> None:
        if not asks(rules):
            return
        for release, environment in list(self.application.state.reverts.asked.items()):
            _, due = self._tried.get(release, (0, self.application.clock.now()))
            if self.application.clock.now() >= due:
                await self._deal_with(release, environment, rules, heads)

    async def _deal_with(
        self, name: ReleaseId, environment: str, rules: Rules, heads: Mapping[str, str]
    ) -> None:
        application = self.application
        release, wheel = application.releases.get(name), application.wheels.get(environment)
        if release is None or wheel is None:
            return
        wanted = next_revert(release, application.state.quarantined.get(name, ""), wheel.state, rules, heads)
        if isinstance(wanted, Undoing):
            wanted = await self._undone(name, wanted, rules)
        if wanted is not None:
            self._tried.pop(name, None)
            await record(application, [wanted])

    async def _undone(self, release: ReleaseId, wanted: Undoing, rules: Rules) -> CommitReverted | None:
        try:
            made = await self.application.world.source.undo(rules.source, wanted)
        except AdapterError as error:
            return self._failed(release, wanted.onto, str(error))
        return CommitReverted(release, wanted.onto, made.outcome, made.why, made.commit)

    def _failed(self, release: ReleaseId, onto: str, why: str) -> CommitReverted | None:
        tries = self._tried.get(release, (0, None))[0] + 1
        if tries >= TRIES:
            return CommitReverted(release, onto, "failed", f"given up after {tries} tries: {why}")
        log.warning("%s: %s is not reverted yet: %s", self.application.name, release, why)
        self._tried[release] = (tries, self.application.clock.now() + FIRST_PAUSE * 2 ** (tries - 1))
        return None
