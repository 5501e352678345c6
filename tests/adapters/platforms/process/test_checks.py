"""Checks: a command of the rules' author, and the smoke probe."""

import asyncio
import json
from datetime import timedelta

import pytest
from tests.adapters.platforms.process.stage import ProcessStage, marked, until

from headgate.model.checks import Check, Job, JobSeen
from headgate.model.ids import JobId, RevisionId
from headgate.model.releases import Revision
from headgate.ports import AdapterError
from headgate.testing.contracts.platform import PRODUCTION, ended, ready

pytestmark = pytest.mark.real


async def revision_of(stage: ProcessStage) -> Revision:
    revision = stage.revision("one")
    await stage.platform.run(revision)
    return revision


async def seen_at_end(stage: ProcessStage, job: Job) -> JobSeen:
    await stage.platform.run_job(job)
    await ended(stage, job)
    seen = await stage.platform.observe_job(PRODUCTION, job.id)
    assert seen is not None
    return seen


def smoke_of(revision: Revision, urls: dict[str, str], timeout: timedelta = timedelta(seconds=5)) -> Job:
    paths = dict.fromkeys(urls, "/healthz")
    return Job(JobId("rol_1-3-1"), PRODUCTION, revision.id, Check("smoke", "smoke", timeout=timeout), urls, paths)


class TestCommand:
    async def test_it_runs_in_the_release_and_knows_where_to_look(self, stage: ProcessStage) -> None:
        revision = await revision_of(stage)
        check = Check("e2e", "run", 'echo "$BASE_URL $QUOTES_API_URL $REVISION $RELEASE $ENVIRONMENT $(ls)"; false')
        urls = {"web": "http://127.0.0.1:81", "quotes-api": "http://127.0.0.1:82"}
        seen = await seen_at_end(stage, Job(JobId("rol_1-2-1"), PRODUCTION, revision.id, check, urls, {}))
        given = f"http://127.0.0.1:81 http://127.0.0.1:82 {revision.id} {revision.release} production services"
        assert seen.state == "failed"
        assert seen.detail.endswith(f"; last lines: {given}")
        assert [line async for line in stage.platform.job_log(PRODUCTION, seen.id)] == [given]

    async def test_a_failure_is_told_with_its_last_words(self, stage: ProcessStage) -> None:
        seen = await seen_at_end(
            stage, stage.command("rol_1-2-1", await revision_of(stage), "echo one; echo two; exit 7")
        )
        assert seen.detail.startswith("exited with code 7 after 0.")
        assert seen.detail.endswith("last lines: one | two")

    async def test_it_is_run_once(self, stage: ProcessStage) -> None:
        job = stage.command("rol_1-2-1", await revision_of(stage), "echo ran >> $REVISION.txt")
        await asyncio.gather(*(stage.platform.run_job(job) for _ in range(3)))
        await ended(stage, job)
        await stage.platform.run_job(job)
        await stage.restart()
        await stage.platform.run_job(job)
        assert await ended(stage, job) == "passed"
        (written,) = stage.settings.releases.rglob("rev_*.txt")
        assert written.read_text() == "ran\n"

    async def test_it_is_ended_when_its_time_is_up_and_all_it_started(self, stage: ProcessStage) -> None:
        revision = await revision_of(stage)
        job = stage.command("rol_1-2-1", revision, "echo began; sleep 60 & sleep 60", timedelta(seconds=0.4))
        await stage.platform.run_job(job)
        mark = json.loads((stage.path("x").parents[1] / "jobs" / "rol_1-2-1.json").read_text())["marker"]
        assert marked(mark)
        seen = await seen_at_end(stage, job)
        assert seen.detail == "was ended as it took longer than 0.4 s; last lines: began"
        await until(lambda: not marked(mark))

    async def test_what_it_leaves_running_is_ended(self, stage: ProcessStage) -> None:
        seen = await seen_at_end(stage, stage.command("rol_1-2-1", await revision_of(stage), "sleep 60 & echo $!"))
        assert seen.state == "passed"
        mark = json.loads((stage.path("x").parents[1] / "jobs" / "rol_1-2-1.json").read_text())["marker"]
        assert not marked(mark)

    async def test_one_that_was_killed_has_failed(self, stage: ProcessStage) -> None:
        seen = await seen_at_end(stage, stage.command("rol_1-2-1", await revision_of(stage), "kill -9 $PPID"))
        assert (seen.state, seen.detail.partition(" after")[0]) == ("failed", "was killed by SIGKILL")

    async def test_the_servers_secrets_do_not_reach_it(
        self, stage: ProcessStage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HEADGATE_TOKEN", "hush")
        seen = await seen_at_end(stage, stage.command("rol_1-2-1", await revision_of(stage), "env; exit 1"))
        assert "hush" not in seen.detail
        log = stage.path("x").parents[1] / "jobs" / "rol_1-2-1.log"
        assert "hush" not in log.read_text()
        assert log.stat().st_mode & 0o077 == 0

    async def test_a_revision_that_never_ran_has_nothing_to_check(self, stage: ProcessStage) -> None:
        job = Job(JobId("rol_1-2-1"), PRODUCTION, RevisionId("rev_none"), Check("e2e", "run", "true"), {}, {})
        with pytest.raises(AdapterError, match="run it first"):
            await stage.platform.run_job(job)


class TestSmoke:
    async def test_all_services_answer(self, stage: ProcessStage) -> None:
        revision = await revision_of(stage)
        (one,) = await ready(stage, 1)
        seen = await seen_at_end(stage, smoke_of(revision, {"web": f"http://{one.address}"}))
        assert (seen.state, seen.detail) == ("passed", "web answered")

    async def test_one_that_does_not_is_named(self, stage: ProcessStage) -> None:
        revision = await revision_of(stage)
        (one,) = await ready(stage, 1)
        urls = {"web": f"http://{one.address}", "quotes": "http://127.0.0.1:9"}
        seen = await seen_at_end(stage, smoke_of(revision, urls))
        assert seen.state == "failed"
        assert seen.detail == "quotes: GET http://127.0.0.1:9/healthz refused connection (5 attempts)"

    async def test_its_time_is_limited(self, stage: ProcessStage) -> None:
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as silent:
            port = silent.sockets[0].getsockname()[1]
            job = smoke_of(await revision_of(stage), {"web": f"http://127.0.0.1:{port}"}, timedelta(seconds=0.3))
            assert (await seen_at_end(stage, job)).state == "failed"

    async def test_one_that_was_lost_with_the_server_may_be_run_again(self, stage: ProcessStage) -> None:
        revision = await revision_of(stage)
        (one,) = await ready(stage, 1)
        await stage.platform.run_job(smoke_of(revision, {"web": "http://127.0.0.1:9"}))
        await stage.restart()
        seen = await stage.platform.observe_job(PRODUCTION, JobId("rol_1-3-1"))
        assert seen is not None
        assert seen.state == "lost"
        seen = await seen_at_end(stage, smoke_of(revision, {"web": f"http://{one.address}"}))
        assert seen.state == "passed"
