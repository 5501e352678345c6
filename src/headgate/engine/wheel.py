"""The wheel of one environment: remember, look, decide, record, act."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from headgate.decide.accept import accept
from headgate.decide.fold import apply, empty, fold
from headgate.decide.plan import plan
from headgate.decide.rules import decide
from headgate.engine.act import attempt, is_due
from headgate.engine.asking import Asking
from headgate.engine.look import Look
from headgate.engine.provisioning import Applying, Planning
from headgate.engine.values import Values
from headgate.engine.versions import with_versions
from headgate.engine.watching import Watching
from headgate.engine.world import World
from headgate.model.commands import Command, Refused
from headgate.model.effects import ApplyPlan, Effect
from headgate.model.events import Event
from headgate.model.freezes import Freeze
from headgate.model.ids import EnvironmentId, ReleaseId, environment_stream
from headgate.model.observations import Place, Seen
from headgate.model.rollouts import EnvironmentState, SignOff
from headgate.model.rules import Environment
from headgate.ports import Clock, Conflict, EventLog

AGAIN = timedelta(seconds=0.5)  # between looks at effects that are yet to take hold, or are tried again


class Surroundings(Protocol):
    """What an environment has to know of the application around it."""

    def rules(self, environment: EnvironmentId) -> Environment | None: ...

    def quarantined(self, environment: EnvironmentId) -> Mapping[ReleaseId, str]: ...

    def passed(self, environment: EnvironmentId) -> Mapping[ReleaseId, datetime]: ...

    def signed_off(self, environment: EnvironmentId) -> dict[str, Mapping[ReleaseId, SignOff]]: ...

    def frozen(self) -> Freeze | None: ...

    def beside(self, environment: EnvironmentId) -> dict[str, Place]: ...


@dataclass
class Wheel:
    environment: EnvironmentId
    world: World
    log: EventLog
    clock: Clock
    surroundings: Surroundings
    state: EnvironmentState = field(init=False)
    seen: Seen = field(init=False)
    rules: Environment | None = None  # the latest known: what runs is taken care of even if its rules are gone

    def __post_init__(self) -> None:
        self.state = empty(self.environment)
        self.seen = Seen(None, None, None)
        self._lock = asyncio.Lock()
        self._last: list[Effect] = []  # repeated without result, they are no news: the next turn may wait
        self._unmet = False  # the last look showed a difference
        self._values = Values(self.world.values)
        self._asking = Asking(self.world.gatekeeper)
        self._watching = Watching()
        self._planning, self._applying = Planning(self.world), Applying(self.world)

    async def remember(self) -> None:
        """Only what is new: the log alone knows, the state in memory is what it said so far."""
        recorded = await self.log.read(environment_stream(self.environment), self.state.version)
        self.state = fold(self.state, recorded)

    async def turn(self) -> bool:
        """One turn; True when something happened, so that the next should follow at once."""
        async with self._lock:
            await self.remember()
            if not await self._look(measure=True):
                return False
            events = decide(self.state, self.seen, self.clock.now())
            return await self._record(events) and (await self._act() or bool(events))

    def pause(self, longest: timedelta) -> timedelta:
        """Until something is due by itself, with nothing in flight: an effect, a look at what was hidden, a start."""
        if self._unmet or self.seen.unknown:
            return min(AGAIN, longest)
        now = self.clock.now()
        retries = (one.retry_at for one in self.seen.instances or () if one.state == "exited" and one.retry_at)
        measured = self._watching.due_in(self.state, now)
        return min([longest, *(at - now for at in retries if at > now), *([measured] if measured else [])])

    def close(self) -> None:
        self._values.close()
        self._asking.close()
        self._planning.close()
        self._applying.close()

    async def command(self, command: Command) -> Refused | None:
        """What someone asks, with all that follows from it at once, in a single entry of the log."""
        async with self._lock:
            await self.remember()
            if not await self._look(measure=False):
                return Refused("this environment is not in the applied specification; `headgate apply` it first")
            now = self.clock.now()
            answer = accept(command, self.state, self.seen, now)
            if isinstance(answer, Refused):
                return answer
            follow = decide(preview(self.state, answer, now), self.seen, now)
            if not await self._record([*answer, *follow]):
                return Refused("another command came first; look again with `headgate status` and repeat it")
            await self._act()
            return None

    async def note(self, event: Event) -> None:
        """A fact that moves nothing here. Lost where another wrote at the same moment: nothing hangs on it."""
        async with self._lock:
            await self.remember()
            await self._record([event])

    async def _look(self, measure: bool) -> bool:
        rules = self.surroundings.rules(self.environment)
        self.rules = rules or self.rules
        if self.rules is None:
            return False
        now = self.clock.now()
        look = Look(self.world, self.state, self.rules, self._values)
        quarantined = self.surroundings.quarantined(self.environment)
        seen = await look.take(now, quarantined, self.surroundings.passed(self.environment), measure)
        answers = await self._asking.take(self.state, self.rules, now)
        signed_off, frozen = self.surroundings.signed_off(self.environment), self.surroundings.frozen()
        watched = await self._watching.take(look, self.state, now) if measure else None
        self.seen = replace(seen, signed_off=signed_off, frozen=frozen, answers=answers, watched=watched)
        planned, applied = await self._planning.take(self.state, self.rules, now), self._applying.seen(self.state)
        self.seen = replace(self.seen, planned=planned, provisioning=applied)
        await self._compare(self.rules, ask=self.state.waiting is not None or not measure)
        return True

    async def _compare(self, rules: Environment, ask: bool) -> None:
        """With others that gates name. Platforms are asked for their versions while something waits, or may at once."""
        others = self.surroundings.beside(self.environment)
        places = {**others, rules.name: Place(rules, None, None)} if others else {}
        if ask:
            places = await with_versions(self.world, self.environment.partition("/")[0], places)
        if places:
            here = places.pop(rules.name)
            self.seen = replace(self.seen, beside=places, version=here.version)

    async def _record(self, events: list[Event]) -> bool:
        """Record first. False: someone else wrote, so nothing that was decided here counts."""
        if not events:
            return True
        try:
            recorded = await self.log.append(environment_stream(self.environment), events, self.state.version)
        except Conflict:
            return False
        self.state = fold(self.state, recorded)
        return True

    async def _act(self) -> bool:
        if self.rules is None:
            return False
        now = self.clock.now()
        wanted = plan(self.state, self.seen, now)
        effects = [effect for effect in wanted if is_due(effect, self.state, now)]
        self._applying.forget(self.state)
        for effect in effects:
            if isinstance(effect, ApplyPlan):
                self._applying.begin(self.state, self.rules)
                continue
            failed = await attempt(effect, self.world, self.rules, self.state)
            if failed:
                await self._record([failed])
        news, self._last, self._unmet = effects != self._last, effects, bool(wanted)
        return bool(effects) and news


def preview(state: EnvironmentState, events: list[Event], now: datetime) -> EnvironmentState:
    """The state as it will be once the events are recorded."""
    for event in events:
        state = apply(event, state, now)
    return state
