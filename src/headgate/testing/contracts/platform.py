"""What every platform must hold. Subclass, and give a fixture `stage` that makes revisions and accidents."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Literal, Protocol

import pytest

from headgate.model.checks import Check, Job, Load, Request
from headgate.model.ids import EnvironmentId, JobId, RevisionId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.ports import Platform

PRODUCTION = EnvironmentId("pcw/production")
STAGING = EnvironmentId("pcw/staging")
PATIENCE = 20.0  # seconds, for anything to come about
MOMENT = 0.05

Behaviour = Literal["well", "unready", "crash", "slow to stop"]
Ending = Literal["passes", "fails", "takes long"]


class Stage(Protocol):
    """The platform under test, and the world around it."""

    platform: Platform

    def revision(
        self, name: str, behaviour: Behaviour = "well", replicas: int = 1, environment: EnvironmentId = PRODUCTION
    ) -> Revision:
        """Of one service, `web`. Ready soon; never ready; ends at once; takes half a second or more to stop."""
        ...

    def job(self, name: str, revision: Revision, ending: Ending) -> Job:
        """A check of kind `run`. `takes long`: a second or more, and then it passes."""
        ...

    async def restart(self) -> None:
        """The server dies and comes back: `platform` is a new one that knows only what the old one wrote down."""
        ...

    async def kill(self, instance: Instance) -> None:
        """Let it die without warning."""
        ...

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        ...


async def observed(stage: Stage, holds: Callable[[Sequence[Instance]], bool]) -> Sequence[Instance]:
    """Waits until it holds of what is seen in production."""
    waited = 0.0
    while not holds(seen := await stage.platform.observe(PRODUCTION)):
        assert waited < PATIENCE, f"after {PATIENCE:g} s still {seen}"
        await stage.wait(MOMENT)
        waited += MOMENT
    return seen


async def ready(stage: Stage, count: int) -> Sequence[Instance]:
    return await observed(stage, lambda seen: [one.state for one in seen] == ["ready"] * count)


async def ended(stage: Stage, job: Job) -> str:
    waited = 0.0
    while (seen := await stage.platform.observe_job(job.environment, job.id)) is None or seen.state == "running":
        assert waited < PATIENCE, f"after {PATIENCE:g} s still {seen}"
        await stage.wait(MOMENT)
        waited += MOMENT
    return seen.state


class PlatformContract:
    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError("give a fixture `stage`: an empty platform and what is needed to use it")

    # --- run

    async def test_nothing_runs_before_it_is_asked_for(self, stage: Stage) -> None:
        assert list(await stage.platform.observe(PRODUCTION)) == []

    async def test_every_service_gets_its_number_of_instances(self, stage: Stage) -> None:
        revision = stage.revision("one", replicas=3)
        await stage.platform.run(revision)
        seen = await ready(stage, 3)
        assert {(one.revision, one.service, one.restarts) for one in seen} == {(revision.id, "web", 0)}
        assert len({one.id for one in seen}) == len({one.address for one in seen}) == 3

    async def test_running_again_starts_nothing_more(self, stage: Stage) -> None:
        revision = stage.revision("one", replicas=2)
        await stage.platform.run(revision)
        first = await ready(stage, 2)
        await stage.platform.run(revision)
        assert await ready(stage, 2) == first

    async def test_many_runs_at_once_start_no_more_than_one(self, stage: Stage) -> None:
        revision = stage.revision("one", replicas=2)
        await asyncio.gather(*(stage.platform.run(revision) for _ in range(5)))
        assert len(await stage.platform.observe(PRODUCTION)) == 2
        await ready(stage, 2)

    async def test_revisions_run_side_by_side(self, stage: Stage) -> None:
        one, two = stage.revision("one"), stage.revision("two")
        await stage.platform.run(one)
        await stage.platform.run(two)
        assert {instance.revision for instance in await ready(stage, 2)} == {one.id, two.id}

    async def test_environments_do_not_see_each_other(self, stage: Stage) -> None:
        await stage.platform.run(stage.revision("one", environment=STAGING))
        assert list(await stage.platform.observe(PRODUCTION)) == []
        assert len(await stage.platform.observe(STAGING)) == 1

    # --- observe

    async def test_what_does_not_answer_well_is_not_ready_and_says_why(self, stage: Stage) -> None:
        await stage.platform.run(stage.revision("one", behaviour="unready"))
        await stage.wait(1.0)
        (one,) = await stage.platform.observe(PRODUCTION)
        assert one.state in {"starting", "unready"}
        assert one.detail

    async def test_what_ends_is_seen_with_the_reason_and_not_started_at_once(self, stage: Stage) -> None:
        revision = stage.revision("one", behaviour="crash")
        await stage.platform.run(revision)
        (one,) = await observed(stage, lambda seen: seen[0].state == "exited")
        assert one.detail
        assert one.restarts == 1
        assert one.retry_at is not None
        await stage.platform.run(revision)
        (again,) = await stage.platform.observe(PRODUCTION)
        assert (again.state, again.restarts) == ("exited", 1)

    async def test_each_death_in_a_row_is_counted_and_waits_longer(self, stage: Stage) -> None:
        revision = stage.revision("one", behaviour="crash")
        for _ in range(int(PATIENCE / MOMENT)):
            await stage.platform.run(revision)
            (one,) = await stage.platform.observe(PRODUCTION)
            if one.state == "exited" and one.restarts >= 2:
                return
            await stage.wait(MOMENT)
        pytest.fail("it was not started again, or its deaths were not counted")

    async def test_a_dead_instance_is_replaced_by_running_again(self, stage: Stage) -> None:
        revision = stage.revision("one", replicas=2)
        await stage.platform.run(revision)
        victim, survivor = await ready(stage, 2)
        await stage.kill(victim)
        await observed(stage, lambda seen: any(one.state == "exited" for one in seen))
        await stage.wait(3.0)
        await stage.platform.run(revision)
        assert survivor in await ready(stage, 2)

    # --- stop

    async def test_what_is_stopped_goes_away(self, stage: Stage) -> None:
        revision = stage.revision("one", replicas=2)
        await stage.platform.run(revision)
        await ready(stage, 2)
        await stage.platform.stop(PRODUCTION, revision.id)
        await observed(stage, lambda seen: not seen)

    async def test_stopping_takes_its_time_and_is_seen(self, stage: Stage) -> None:
        revision = stage.revision("one", behaviour="slow to stop")
        await stage.platform.run(revision)
        await ready(stage, 1)
        await stage.platform.stop(PRODUCTION, revision.id)
        assert [one.state for one in await stage.platform.observe(PRODUCTION)] == ["stopping"]
        await stage.platform.stop(PRODUCTION, revision.id)
        seen = await observed(stage, lambda seen: not seen or seen[0].state != "stopping")
        assert list(seen) == []

    async def test_only_the_revision_named_is_stopped(self, stage: Stage) -> None:
        one, two = stage.revision("one"), stage.revision("two")
        await stage.platform.run(one)
        await stage.platform.run(two)
        await ready(stage, 2)
        await stage.platform.stop(PRODUCTION, one.id)
        (left,) = await ready(stage, 1)
        assert left.revision == two.id

    async def test_stopping_what_never_ran_is_no_error(self, stage: Stage) -> None:
        await stage.platform.stop(PRODUCTION, RevisionId("rev_000000000000"))

    async def test_what_died_can_be_stopped(self, stage: Stage) -> None:
        revision = stage.revision("one", behaviour="crash")
        await stage.platform.run(revision)
        await observed(stage, lambda seen: seen[0].state == "exited")
        await stage.platform.stop(PRODUCTION, revision.id)
        await observed(stage, lambda seen: not seen)

    async def test_a_revision_runs_again_while_its_earlier_instances_stop(self, stage: Stage) -> None:
        revision = stage.revision("one", behaviour="slow to stop")
        await stage.platform.run(revision)
        await ready(stage, 1)
        await stage.platform.stop(PRODUCTION, revision.id)
        await stage.platform.run(revision)
        seen = await stage.platform.observe(PRODUCTION)
        assert sorted(one.state == "stopping" for one in seen) == [False, True]
        await ready(stage, 1)

    # --- the server dies

    async def test_everything_is_found_again_as_it_was(self, stage: Stage) -> None:
        revision = stage.revision("one", replicas=2)
        await stage.platform.run(revision)
        before = await ready(stage, 2)
        await stage.restart()
        assert list(await stage.platform.observe(PRODUCTION)) == list(before)
        await stage.platform.run(revision)
        assert list(await stage.platform.observe(PRODUCTION)) == list(before)

    async def test_a_stop_goes_on_after_a_restart(self, stage: Stage) -> None:
        revision = stage.revision("one", behaviour="slow to stop")
        await stage.platform.run(revision)
        await ready(stage, 1)
        await stage.platform.stop(PRODUCTION, revision.id)
        await stage.restart()
        seen = await observed(stage, lambda seen: not seen or seen[0].state != "stopping")
        assert list(seen) == []

    # --- jobs

    async def test_a_job_that_never_started_is_unknown(self, stage: Stage) -> None:
        assert await stage.platform.observe_job(PRODUCTION, JobId("rol_000000000000-1-1")) is None

    @pytest.mark.parametrize(("ending", "state"), [("passes", "passed"), ("fails", "failed")])
    async def test_a_job_ends_as_its_check_says(self, stage: Stage, ending: Ending, state: str) -> None:
        revision = stage.revision("one")
        await stage.platform.run(revision)
        job = stage.job("rol_1-2-1", revision, ending)
        await stage.platform.run_job(job)
        assert await ended(stage, job) == state
        seen = await stage.platform.observe_job(PRODUCTION, job.id)
        assert seen is not None
        assert seen.detail or seen.state == "passed"

    async def test_a_check_asks_what_runs(self, stage: Stage) -> None:
        revision = stage.revision("one")
        await stage.platform.run(revision)
        (instance,) = await ready(stage, 1)
        load = Load(20, timedelta(seconds=0.5), paths={"/healthz": 1.0})
        checks = (Check("api", "http", requests=(Request("/healthz"),)), Check("load", "load", load=load))
        for number, check in enumerate(checks):
            url = {"web": f"http://{instance.address}"}
            job = Job(JobId(f"rol_1-{number}-1"), PRODUCTION, revision.id, check, url, {})
            await stage.platform.run_job(job)
            assert await ended(stage, job) == "passed", await stage.platform.observe_job(PRODUCTION, job.id)

    async def test_a_job_is_found_again(self, stage: Stage) -> None:
        revision = stage.revision("one")
        await stage.platform.run(revision)
        job = stage.job("rol_1-2-1", revision, "takes long")
        await stage.platform.run_job(job)
        seen = await stage.platform.observe_job(PRODUCTION, job.id)
        assert seen is not None
        assert seen.state == "running"
        await stage.restart()
        await stage.platform.run_job(job)
        assert await ended(stage, job) == "passed"
