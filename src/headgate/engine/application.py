"""One application: its specification, its releases, and the wheels of its environments."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from headgate.decide.configuration import refused_configuration
from headgate.decide.going_back import GoingBack, way_back
from headgate.decide.parity import beside
from headgate.decide.pipeline import (
    ApplicationState,
    Wanted,
    advance,
    fold_application,
    passed,
    quarantine,
    refused_here,
    release_called,
    signed_off,
)
from headgate.engine.building import release_id
from headgate.engine.configuring import Configuring
from headgate.engine.infrastructure import with_current_outputs
from headgate.engine.line import Line
from headgate.engine.proving import verify
from headgate.engine.refusals import Rejected, Unknown
from headgate.engine.secrets import gone, versions
from headgate.engine.wheel import Wheel
from headgate.engine.world import World
from headgate.model import events as e
from headgate.model.commands import Deploy, Refused, Rollback
from headgate.model.freezes import Freeze
from headgate.model.ids import (
    EnvironmentId,
    ReleaseId,
    RolloutId,
    application_stream,
    environment_id,
    environment_stream,
    release_stream,
)
from headgate.model.observations import Place
from headgate.model.releases import Release, Revision
from headgate.model.rollouts import EnvironmentState, SignOff
from headgate.model.rules import Environment
from headgate.ports import AdapterError, Clock, Conflict, EventLog, Migrator
from headgate.spec.compose import compose, secrets_of, with_secrets

ENGINE = "headgate"
REFUSED = timedelta(minutes=5)  # until it is looked whether a key or an image is there again; who asks need not wait
AWAY = timedelta(seconds=15)  # until a registry that did not answer is asked again

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delay:
    """A release that should be asked for in an environment, and could not."""

    release: ReleaseId
    why: str
    again_at: datetime


@dataclass
class Application:
    name: str
    world: World
    log: EventLog
    clock: Clock
    new_id: Callable[[str], str]  # prefix -> a fresh id
    line: Line
    state: ApplicationState = field(default_factory=ApplicationState)
    releases: dict[ReleaseId, Release] = field(default_factory=dict)  # oldest first
    wheels: dict[str, Wheel] = field(default_factory=dict)  # by environment name
    delayed: dict[str, Delay] = field(default_factory=dict)  # by environment
    making: asyncio.Lock = field(default_factory=asyncio.Lock)  # one release at a time
    _folding: asyncio.Lock = field(default_factory=asyncio.Lock)  # no event counts twice
    configuring: Configuring = field(init=False)

    def __post_init__(self) -> None:
        self.configuring = Configuring(self)

    async def remember(self) -> None:
        async with self._folding:
            recorded = await self.log.read(application_stream(self.name), self.state.version)
            self.state = fold_application(self.state, recorded)
        for announced in self.state.releases:
            if announced.release not in self.releases:
                self.releases[announced.release] = await self._release(announced.release)
        for name, version in self.state.versions.items():
            self.releases[name] = replace(self.releases[name], version=version)
        await self._build_wheels()

    async def _release(self, release: ReleaseId) -> Release:
        recorded = await self.log.read(release_stream(release))
        return next(one.event.release for one in recorded if isinstance(one.event, e.ReleaseCreated))

    async def _build_wheels(self) -> None:
        """Environments of the specification, and those that ever had events: what runs there is still cared for."""
        prefix = environment_stream(environment_id(self.name, ""))
        names = [rules.name for rules in self.state.specification.environments] if self.state.specification else []
        for name in [*names, *(stream.removeprefix(prefix) for stream in await self.log.streams(prefix))]:
            if name not in self.wheels:
                wheel = Wheel(environment_id(self.name, name), self.world, self.log, self.clock, self)
                await wheel.remember()
                self.wheels[name] = wheel

    # --- what the wheels ask of their surroundings

    def rules(self, environment: EnvironmentId) -> Environment | None:
        name = environment.partition("/")[2]
        return self.state.specification.environment(name) if self.state.specification else None

    def quarantined(self, environment: EnvironmentId) -> Mapping[ReleaseId, str]:
        """Recorded, and not yet recorded: an abort a moment ago counts at once, everywhere."""
        pending = {event.release: event.why for event in self._pending_quarantine()}
        return {**self.state.quarantined, **pending}

    def passed(self, environment: EnvironmentId) -> Mapping[ReleaseId, datetime]:
        rules = self.rules(environment)
        before = self.wheels.get(rules.after) if rules and rules.after else None
        return passed(before.state, self.clock.now()) if before else {}

    def signed_off(self, environment: EnvironmentId) -> dict[str, Mapping[ReleaseId, SignOff]]:
        rules = self.rules(environment)
        return signed_off(self.state.specification, rules, self.states()) if rules else {}

    def beside(self, environment: EnvironmentId) -> dict[str, Place]:
        """What the environment's gates compare it with."""
        rules, states = self.rules(environment), self.states()
        return beside(self.state.specification, rules, states) if rules else {}

    def frozen(self) -> Freeze | None:
        return self.line.freeze

    def states(self) -> dict[str, EnvironmentState]:
        return {name: wheel.state for name, wheel in self.wheels.items()}

    def _pending_quarantine(self) -> list[e.ReleaseQuarantined]:
        return quarantine(self.state, self.states())

    # --- what moves by itself

    async def advance(self) -> list[str]:
        """Quarantine what was aborted, ask for what should go on; returns the environments that were asked."""
        await self._append(list(self._pending_quarantine()))
        read = self.releases  # what was announced a moment ago may not be read yet
        wanted = [one for one in advance(self.state, self.states()) if one.release in read]
        still = {(one.environment, one.release) for one in wanted}
        self.delayed = {name: one for name, one in self.delayed.items() if (name, one.release) in still}
        asked = [one.environment for one in wanted if self._is_due(one) and await self._ask_for(one)]
        return [*asked, *await self.configuring.ask({environment for environment, _ in still})]

    def retry(self) -> None:
        """Someone did something about it: what was delayed is asked for anew."""
        self.delayed.clear()
        self.configuring.forget()

    def _is_due(self, wanted: Wanted) -> bool:
        delay = self.delayed.get(wanted.environment)
        return delay is None or self.clock.now() >= delay.again_at

    async def _ask_for(self, wanted: Wanted) -> bool:
        """One environment that cannot be asked now does not hold up the others; it is asked again later."""
        try:
            revision = await self.revision(wanted.environment, self.releases[wanted.release])
            if put_back := refused_configuration(self.wheels[wanted.environment].state, revision):
                self._delay(wanted, f"{revision.label} does not come by itself: {put_back}", AWAY)
                return False
            command = Deploy(revision, RolloutId(self.new_id("rol")), ENGINE, wanted.why, automatic=True)
            asked = await self.wheels[wanted.environment].command(command) is None
        except Rejected as error:
            self._delay(wanted, str(error), REFUSED)
            event = e.ReleaseRefused(wanted.release, wanted.environment, str(error))
            if self.state.refused.get(wanted.environment) != event:
                await self._append([event])
            return False
        except AdapterError as error:
            self._delay(wanted, str(error), AWAY)
            return False
        self.delayed.pop(wanted.environment, None)
        return asked

    def _delay(self, wanted: Wanted, why: str, span: timedelta) -> None:
        before = self.delayed.get(wanted.environment)
        self.delayed[wanted.environment] = Delay(wanted.release, why, self.clock.now() + span)
        if before is None or before.why != why:  # it is logged once
            log.warning("%s/%s: %s cannot be asked for: %s", self.name, wanted.environment, wanted.release, why)

    async def _append(self, events: list[e.Event]) -> bool:
        """False: another wrote meanwhile, also within this server. The next turn reads it and decides again."""
        known = self.state.version
        async with self._folding:
            try:
                recorded = await self.log.append(application_stream(self.name), events, known) if events else []
            except Conflict:
                return False
            self.state = fold_application(self.state, recorded)
        return True

    async def record(self, events: list[e.Event]) -> None:
        """Like _append, but the caller must know that it was not done."""
        if not await self._append(events):
            raise Rejected("another change came first; look again and repeat the command")
        await self.remember()

    async def may_go_back(self, name: str | None) -> None:
        """Only to what is there: a release whose images were pruned must have been made again. Raises Rejected."""
        for release in release_called(name, self.releases) if name else ():
            pruned = any(f"{service}@{digest}" in self.state.pruned for service, digest in release.images.items())
            if pruned and self.state.specification:
                await verify(release, self.state.specification, self.world, self.log)

    async def may_have_its_secrets(self, environment: str, command: Rollback) -> None:
        """Unless it still runs it starts with the values it had; a store may keep them no longer. Raises Rejected."""
        wheel = self.wheel(environment)
        asked = GoingBack(command.rollout, command.by, command.why, command.to)
        target = way_back(asked, wheel.state, wheel.seen)
        running = {one.revision for one in wheel.seen.instances or ()}
        if isinstance(target, Refused) or wheel.rules is None or target.id in running:
            return
        if why := await gone(self.world, wheel.rules, target):
            anew = f"`headgate deploy {environment} {target.label}` runs it with the secrets of now"
            raise Rejected(f"{target.label} cannot come back as it was: {why}; {anew}")

    # --- finding and composing

    def wheel(self, environment: str) -> Wheel:
        if environment not in self.wheels:
            known = ", ".join(self.wheels) or "none"
            raise Unknown(f"{self.name} has no environment {environment!r}; known: {known}")
        return self.wheels[environment]

    def release(self, name: str) -> Release:
        found = release_called(name, self.releases)
        if len({release.id for release in found}) == 1:
            return found[0]
        recent = ", ".join(release.label for release in list(self.releases.values())[-5:]) or "none"
        if found:
            which = ", ".join(f"{release.id} ({release.commit[:10]})" for release in found)
            raise Unknown(f"{name!r} names several releases of {self.name}: {which}; say which by its id")
        raise Unknown(f"{self.name} has no release {name!r}; the latest: {recent}")

    def newest(self, environment: str) -> Release:
        """What `deploy ENV` means without a release: what is stable in the environment before, else the newest one."""
        rules = self.rules(environment_id(self.name, environment))
        before = self.wheels.get(rules.after) if rules and rules.after else None
        if before and before.state.stable:
            return self.releases[before.state.stable.release]
        if before and rules:
            raise Rejected(
                f"nothing is stable in {rules.after} yet; deploy there first: `headgate deploy {rules.after}`"
            )
        fitting = [one for one in self.releases.values() if not refused_here(one.id, environment, self.state)]
        if not fitting:
            raise Rejected(f"{self.name} has no release yet; make one with `headgate release`")
        return fitting[-1]

    async def revision(self, environment: str, release: Release) -> Revision:
        where = environment_id(self.name, environment)
        rules = self.rules(where)
        if rules is None or self.state.specification is None:
            raise Rejected(f"{environment} is not in the applied specification; `headgate apply` it first")
        if refused := refused_here(release.id, environment, self.state):
            raise Rejected(refused)
        if rules.platform in self.world.image_platforms:
            await verify(release, self.state.specification, self.world, self.log)
        if release.migration_level and not isinstance(self.world.platforms[rules.platform], Migrator):
            what = f"{release.label} has migrations, and platform {rules.platform} of {environment} runs none"
            raise Rejected(f"{what}; deploy a release without them, or name another platform in the file")
        await self._lay_out(release)
        return await self.composed(rules, release)

    async def composed(self, rules: Environment, release: Release) -> Revision:
        """As the rules, the router's addresses, outputs and the secrets' versions of now make it. AdapterError."""
        where = environment_id(self.name, rules.name)
        services = {service.name: rules.listen.get(service.name) for service in release.services}
        addresses = await self.world.routers[rules.traffic].addresses(where, services)
        revision = await with_current_outputs(self.world, rules, compose(release, rules, addresses, self.name))
        return with_secrets(revision, await versions(self.world, rules, secrets_of(revision)))

    async def _lay_out(self, release: Release) -> None:
        """A past release whose source was cleaned up is checked out again: the same commit, file by file."""
        specification, folder = self.state.specification, self.world.releases / release.id
        if specification and not folder.exists():
            folders = [service.build for service in release.services]
            await self.world.source.checkout(specification.source, release.commit, folder, folders)

    async def restore(self, environment: str, to: str | None) -> None:
        """The source of what a rollback goes to, unless that still runs: then there is nothing to wait for."""
        wheel = self.wheel(environment)
        previous, running = wheel.state.previous, {one.revision for one in wheel.seen.instances or ()}
        known = [self.releases[previous.release]] if previous and previous.release in self.releases else []
        for release in release_called(to, self.releases) if to else known:
            if previous and previous.id in running and previous.release == release.id:
                continue
            try:
                await self._lay_out(release)
            except AdapterError as error:
                log.warning("%s/%s: %s cannot be checked out again: %s", self.name, environment, release.label, error)

    async def find(self, name: str) -> Release:
        """Like `release`; a tag or branch that was set later than the release was made names it as well."""
        try:
            return self.release(name)
        except Unknown:
            if self.state.specification is None:
                raise
        try:
            commit = await self.world.source.resolve(self.state.specification.source, name)
        except AdapterError:
            return self.release(name)  # says what there is
        known = self.releases.get(release_id(self.name, commit.sha))
        if known is None:
            what = f"{name!r} is commit {commit.sha[:7]}, of which {self.name} has no release"
            raise Unknown(f"{what}; make one: `headgate release {name}`")
        return known
