"""Following a source: what moves there becomes releases by itself, each commit once, whatever is restarted between."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from headgate.decide import sources
from headgate.engine.application import ENGINE, Application
from headgate.engine.building import placed
from headgate.engine.ci import BuildWheel
from headgate.engine.refusals import Immutable, Rejected
from headgate.engine.releasing import Wanted, record
from headgate.engine.reverting import Reverter
from headgate.model import events as e
from headgate.model.ids import ReleaseId
from headgate.model.releases import Release
from headgate.model.rules import Application as Rules
from headgate.model.rules import Environment
from headgate.model.services import Service
from headgate.model.sources import Integration, Outcome
from headgate.ports import AdapterError, LogUnavailable, Unusable
from headgate.spec.compile import services
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read

LONGEST_PAUSE = timedelta(minutes=2)  # between tries, while a source does not answer
UNFOLLOWED = timedelta(seconds=5)  # between looks whether there is something to follow by now
LONGEST_WHY = 2000  # characters

log = logging.getLogger(__name__)
Make = Callable[[str, str, str, Wanted], Awaitable[Release | BuildWheel]]  # application, reference, by, wanted


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a commit."""

    outcome: Outcome
    why: str
    release: ReleaseId | None = None
    integration: Integration | None = None


@dataclass
class Follower:
    application: Application
    make: Make
    trouble: str = ""  # why the source cannot be looked at now
    _failures: int = 0
    _due: datetime | None = None
    _awake: asyncio.Event = field(default_factory=asyncio.Event)
    _reverter: Reverter = field(init=False)

    def __post_init__(self) -> None:
        self._reverter = Reverter(self.application)

    def look(self) -> None:
        self._due = None
        self._awake.set()

    async def follow(self) -> None:
        while True:
            self._awake.clear()
            pause = await self.turn()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await self._awake.wait()

    async def turn(self) -> timedelta:
        """Looks if it is time to; returns how long until it is. Nothing that goes wrong here ends the following."""
        rules, now = self.application.state.specification, self.application.clock.now()
        if rules is None or not sources.concerns(rules):
            return UNFOLLOWED
        every = sources.poll(rules)
        if self._due and now < self._due <= now + LONGEST_PAUSE + every:  # a clock that was set back delays nothing
            return self._due - now
        pause = await self._look(rules, every)
        self._due = now + pause
        return pause

    async def _look(self, rules: Rules, every: timedelta) -> timedelta:
        try:
            await self._deal_with(rules, await self.application.world.source.heads(rules.source))
        except (AdapterError, LogUnavailable, Rejected) as error:
            return self._troubled(str(error), every)
        except Exception as error:
            log.exception("looking at the source of %s went wrong; it is tried again", self.application.name)
            return self._troubled(f"a defect of Headgate: {error}", every)
        self.trouble, self._failures = "", 0
        return every

    def _troubled(self, why: str, every: timedelta) -> timedelta:
        if why != self.trouble:
            log.warning("%s: %s", self.application.name, why)
        self.trouble, self._failures = why[:LONGEST_WHY], self._failures + 1
        return min(max(every, LONGEST_PAUSE), every * 2 ** min(self._failures, 10))

    async def _deal_with(self, rules: Rules, heads: Mapping[str, str]) -> None:
        application = self.application
        if first := sources.noted(application.state.followed, rules, heads):
            await record(application, [first])
        for ref, commit in sources.moved(application.state.followed, heads):
            found = await self._settled(self._commit(rules, ref, commit))
            await record(application, [e.CommitSeen(ref, commit, found.outcome, found.why, found.release)])
        for environment in rules.environments:
            if environment.integrate:
                await self._integrate(rules, environment, heads)
        await self._reverter.turn(rules, heads)

    @staticmethod
    async def _settled(dealing: Awaitable[Found]) -> Found:
        """What is wrong with a commit itself is said once, and the next one is awaited."""
        try:
            return await dealing
        except SpecificationError as error:
            first = error.problems[0] if error.problems else None
            where = f"{first.file}:{first.line}: {first.field}: {first.remedy}" if first else str(error)
            return Found("failed", f"its file is refused: {where}"[:LONGEST_WHY])
        except (Unusable, Immutable) as error:
            return Found("failed", str(error)[:LONGEST_WHY])

    async def _commit(self, rules: Rules, ref: str, sha: str) -> Found:
        branch = ref.removeprefix(sources.BRANCH)
        commit = await self.application.world.source.resolve(rules.source, sha, branch)
        if marker := sources.skips(commit.message):
            return Found("skipped", f"its message says {marker}; `headgate release {sha[:10]}` makes a release of it")
        if not ref.startswith(sources.TAG):
            before = sources.release_before(self.application.state.releases, branch)
            if same := await self._same(rules, sha, before):
                return same
        made = await self.make(self.application.name, sha, ENGINE, Wanted(branch))
        return _found(made, "it")

    async def _same(self, rules: Rules, sha: str, before: ReleaseId | None) -> Found | None:
        """A commit that changes nothing that a service is built from needs no release of its own."""
        known = self.application.releases.get(before) if before else None
        if known is None or known.commit == sha:
            return None
        now = await self._built_from(rules, sha)
        try:
            before_that = await self._built_from(rules, known.commit)
        except (AdapterError, SpecificationError):
            return None  # it can no longer be read: then all is taken for changed
        if now != before_that:
            return None
        why = f"nothing that a service is built from changed since {known.label}; "
        return Found("unchanged", f"{why}`headgate release {sha[:10]}` makes a release of it all the same")

    async def _built_from(self, rules: Rules, sha: str) -> tuple[tuple[Service, ...], dict[str, str]]:
        """The services as the commit's file defines them, and the content of the folders they are built from."""
        source = self.application.world.source
        text = await source.read_file(rules.source, sha, rules.file)
        parts = placed(services(read(text, f"{rules.file} at {sha[:7]}")), rules.file)
        folders = dict.fromkeys(part.build for part in parts if part.image is None)
        return parts, await source.digests(rules.source, sha, list(folders))

    async def _integrate(self, rules: Rules, environment: Environment, heads: Mapping[str, str]) -> None:
        wanted = sources.to_integrate(environment, heads)
        if not wanted or dict(wanted) == sources.integrated(self.application.state.followed, environment.name):
            return
        found = await self._settled(self._integration(rules, environment.name, wanted))
        named = (environment.name, dict(wanted), found.outcome, found.why)
        await record(self.application, [e.BranchesIntegrated(*named, found.integration, found.release)])

    async def _integration(self, rules: Rules, environment: str, heads: Sequence[tuple[str, str]]) -> Found:
        made = await self.application.world.source.integrate(rules.source, heads, environment)
        found = await self._settled(self._of(rules, environment, made))
        return replace(found, integration=made)

    async def _of(self, rules: Rules, environment: str, made: Integration) -> Found:
        before = sources.release_before(self.application.state.releases, "", environment)
        if same := await self._same(rules, made.commit, before):
            return same
        wanted = Wanted(f"integration/{environment}", only=environment)
        release = await self.make(self.application.name, made.commit, ENGINE, wanted)
        return _found(release, ", ".join(made.branches))


def _found(made: Release | BuildWheel, of: str) -> Found:
    if isinstance(made, BuildWheel):
        return Found("building", f"{made.id} tests {of}; `headgate builds {made.id}` shows how far it is")
    return Found("released", f"{made.id} was made of {of}", made.id)
