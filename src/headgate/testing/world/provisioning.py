"""What a world stands on: infrastructure that people change in its folder and by hand, and a provisioner that fails.

One apply holds the lock of its state until it ends. When its server is killed it goes on alone, or ends half done.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from headgate.model.ids import EnvironmentId
from headgate.model.infrastructure import Infrastructure, InfrastructurePlan, Output, Resource, ResourceChange
from headgate.ports import Away, Unusable
from headgate.testing.fakes.provisioner import FakeProvisioner
from headgate.testing.world.chance import Chance

if TYPE_CHECKING:
    from headgate.testing.world.faults import Faults

Fate = Literal["done", "half", "refused"]
NAMES = ("cache", "queue", "topic", "table")
EDITS, BY_HAND, LONGEST = 0.06, 0.01, 15.0  # each moment; each moment; seconds that an apply takes
AWAY, UNPLANNABLE, LIVES_ON = 0.05, 0.05, 0.5  # of calls; of plans; of applies whose server is killed


@dataclass(eq=False)
class Apply:
    """A process of its own: the plan that it was begun with is what it does."""

    digest: str
    wanted: dict[str, str]
    ends_at: datetime
    fate: Fate
    orphan: bool = False  # its server was killed
    ended: bool = False


class FaultyProvisioner:
    """Of all environments of one world."""

    def __init__(self, faults: Faults, seed: int, calm: bool) -> None:
        self.chance = Chance(seed)
        self.inner: dict[EnvironmentId, FakeProvisioner] = {}
        self._faults, self._calm = faults, calm
        self._applies: dict[EnvironmentId, Apply] = {}

    def at(self, environment: EnvironmentId) -> FakeProvisioner:
        return self.inner.setdefault(environment, FakeProvisioner({"cache": "1"}))

    # --- as the engine asks

    async def plan(self, environment: EnvironmentId, made_from: Infrastructure) -> InfrastructurePlan:
        self._faults.look("the provisioner")
        if self._breaks(UNPLANNABLE):
            raise Unusable("main.tf:3: it says nothing that can be planned")
        return await self.at(environment).plan(environment, made_from)

    async def apply(self, environment: EnvironmentId, made_from: Infrastructure, digest: str) -> None:
        self._faults.crash()
        self._faults.watch.applies(environment, digest)
        if self._breaks(AWAY):
            raise Away("the state's bucket does not answer")
        if environment in self._applies:
            raise Away("the state is locked by another apply")
        now = await self.at(environment).plan(environment, made_from)
        if not now.empty:
            if now.digest != digest:
                raise Unusable("the plan is another than the one that was shown, nothing was done")
            await self._see_through(environment, digest)
        self._faults.watch.applied(environment, digest)
        self._faults.crash()

    async def _see_through(self, environment: EnvironmentId, digest: str) -> None:
        takes = timedelta(seconds=self.chance.between(0, LONGEST))
        fate: Fate = "done" if self._calm else self.chance.one(("done", "done", "done", "half", "refused"))
        mine = Apply(digest, dict(self.at(environment).wanted), self._faults.clock.now() + takes, fate)
        self._applies[environment] = mine
        while not mine.ended:  # noqa: ASYNC110 - plain wheels, which have no loop, take it step by step
            await asyncio.sleep(0)  # until the world lets it end
        if mine.fate != "done":
            raise Unusable(f"AccessDenied: it is {mine.fate}")

    async def outputs(self, environment: EnvironmentId, made_from: Infrastructure) -> dict[str, Output]:
        return await self.at(environment).outputs(environment, made_from)

    async def resources(self, environment: EnvironmentId, made_from: Infrastructure) -> tuple[Resource, ...]:
        return await self.at(environment).resources(environment, made_from)

    async def drift(self, environment: EnvironmentId, made_from: Infrastructure) -> tuple[ResourceChange, ...]:
        return await self.at(environment).drift(environment, made_from)

    # --- what happens without anyone asking

    def work(self) -> None:
        for environment, apply in list(self._applies.items()):
            if apply.ends_at <= self._faults.clock.now():
                self._end(environment, apply)

    def change(self) -> None:
        for environment, ground in self.inner.items():
            if self.chance.happens(EDITS):
                self._edit(environment, ground)
            if ground.made and self.chance.happens(0.0 if self._calm else BY_HAND):
                ground.made[self.chance.one(sorted(ground.made))] = "by hand"

    def server_dies(self) -> None:
        for environment, apply in list(self._applies.items()):
            apply.orphan = True
            if not self.chance.happens(LIVES_ON):
                apply.fate = "half"
                self._end(environment, apply)

    def rest(self) -> None:
        """Nobody changes anything any more, and what would do away with something is taken back."""
        self._calm = True
        for ground in self.inner.values():
            ground.wanted = {**ground.made, **{name: "1" for name in ground.wanted if name not in ground.made}}

    def _end(self, environment: EnvironmentId, apply: Apply) -> None:
        ground, names = self.at(environment), sorted({**apply.wanted})
        if apply.fate == "done":
            ground.made = dict(apply.wanted)
        if apply.fate == "half" and names:
            ground.made[names[0]] = apply.wanted[names[0]]
        ground.applied, apply.ended = dict(ground.made), True
        del self._applies[environment]
        self._faults.story.tell(self._faults.clock.now(), "  apply %s ends: %s", apply.digest, apply.fate)

    def _edit(self, environment: EnvironmentId, ground: FakeProvisioner) -> None:
        """Another commit of the folder: something is added, changed, replaced or taken away."""
        name = self.chance.one(NAMES)
        how = self.chance.one(("set", "set", "replace", "take away"))
        ground.replaced = {name} if how == "replace" else set()
        if how == "take away":
            ground.wanted.pop(name, None)
        else:
            ground.wanted[name] = str(self.chance.one(range(9)))
        self._faults.story.tell(self._faults.clock.now(), "%s: infrastructure: %s %s", environment, how, name)

    def _breaks(self, probability: float) -> bool:
        return not self._calm and self.chance.happens(probability)
