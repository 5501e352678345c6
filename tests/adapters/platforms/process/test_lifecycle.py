"""One instance's life: ready, unready, dead, back again; told to stop, and ended by force when it does not listen."""

import asyncio
import json
import os
import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.adapters.platforms.process.stage import ProcessStage, get, marked, staged, until

from headgate.adapters.machine.exits import back_off, ending
from headgate.adapters.platforms.process import ProcessSettings
from headgate.model.services import Value
from headgate.testing.contracts.platform import PRODUCTION, observed, ready


class TestReadiness:
    @pytest.mark.real
    async def test_a_start_is_seen_soon_after_it_answers(self, stage: ProcessStage) -> None:
        changed = asyncio.Queue[float]()
        stage.platform.on_change = lambda _: changed.put_nowait(time.monotonic())
        await stage.platform.run(stage.revision("one"))
        await ready(stage, 1)
        told = [changed.get_nowait() for _ in range(changed.qsize())]
        assert len(told) == 2, "told once that it starts, and once that it is ready"

    @pytest.mark.real
    async def test_what_turns_unready_says_so_and_comes_back(self, stage: ProcessStage) -> None:
        await stage.platform.run(stage.revision("one"))
        (one,) = await ready(stage, 1)
        await get(one, "/become/unready")
        (one,) = await observed(stage, lambda seen: seen[0].state == "unready")
        assert one.detail == "GET /healthz answered 503"
        await get(one, "/become/well")
        await ready(stage, 1)

    @pytest.mark.real
    async def test_what_listens_nowhere_is_said(self, stage: ProcessStage) -> None:
        await stage.platform.run(stage.revision("one", command=("sleep", "60")))
        (one,) = await observed(stage, lambda seen: "refused" in seen[0].detail)
        assert (one.state, one.detail) == ("starting", "GET /healthz refused connection")

    @pytest.mark.real
    async def test_a_port_taken_by_another_is_noticed_and_another_is_used(self, stage: ProcessStage) -> None:
        revision = stage.revision("one", behaviour="late")
        await stage.platform.run(revision)
        (one,) = await stage.platform.observe(PRODUCTION)
        async with await asyncio.start_server(say_ok, "127.0.0.1", int(one.address.rpartition(":")[2])):
            (seen,) = await observed(stage, lambda seen: "another process" in seen[0].detail)
            assert seen.state == "starting"
            (dead,) = await observed(stage, lambda seen: seen[0].state == "exited")
            assert "was taken by another process" in dead.detail
            await stage.wait(0.5)
            await stage.platform.run(revision)
            (again,) = await ready(stage, 1)
        assert again.address != one.address


async def say_ok(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    writer.close()


class TestDeath:
    @pytest.mark.real
    async def test_the_reason_holds_the_code_and_the_last_words(self, stage: ProcessStage) -> None:
        await stage.platform.run(stage.revision("one", behaviour="crash"))
        (one,) = await observed(stage, lambda seen: seen[0].state == "exited")
        assert one.detail.startswith("exited with code 3 after 0.")
        assert one.detail.endswith("; last lines: no table 'tariffs'")

    @pytest.mark.real
    async def test_a_signal_is_named_and_the_engine_is_told_at_once(self, stage: ProcessStage) -> None:
        await stage.platform.run(stage.revision("one"))
        (one,) = await ready(stage, 1)
        changed = asyncio.Event()
        stage.platform.on_change = lambda _: changed.set()
        await stage.kill(one)
        await asyncio.wait_for(changed.wait(), 0.5)
        (one,) = await stage.platform.observe(PRODUCTION)
        assert one.detail.startswith("was killed by SIGKILL after")

    @pytest.mark.real
    async def test_what_the_dead_leave_running_is_ended(self, stage: ProcessStage) -> None:
        await stage.platform.run(stage.revision("one"))
        (one,) = await ready(stage, 1)
        left = [int(await get(one, f"/fork?{where}")) for where in ("group", "session")]
        mark = stage.record(one.id).marker
        assert set(left) < set(marked(mark))
        await stage.kill(one)
        await until(lambda: not marked(mark))

    @pytest.mark.real
    async def test_long_ready_forgives(self, tmp_path: Path) -> None:
        async with staged(tmp_path, forgiven_after=timedelta(seconds=0.1)) as stage:
            revision = stage.revision("one")
            await stage.platform.run(revision)
            (one,) = await ready(stage, 1)
            await stage.kill(one)
            await observed(stage, lambda seen: seen[0].state == "exited")
            await stage.wait(0.5)
            await stage.platform.run(revision)
            (one,) = await ready(stage, 1)
            assert one.restarts == 1
            await observed(stage, lambda seen: seen[0].restarts == 0)

    def test_the_wait_doubles_up_to_a_limit(self, tmp_path: Path) -> None:
        settings = ProcessSettings(data=tmp_path, releases=tmp_path)
        first, longest = settings.first_retry, settings.longest_retry
        waits = [back_off(deaths, first, longest).total_seconds() for deaths in (1, 2, 3, 6, 7, 8, 10_000)]
        assert waits == [0.5, 1, 2, 16, 30, 30, 30]

    @pytest.mark.parametrize(
        ("code", "said"),
        [(0, "exited with code 0 after 1.5 s"), (-9, "was killed by SIGKILL"), (-99, "signal 99"), (None, "not known")],
    )
    def test_an_ending_is_said_in_words(self, code: int | None, said: str) -> None:
        assert said in ending(code, timedelta(seconds=1.5))


class TestStop:
    @pytest.mark.real
    async def test_a_request_in_flight_is_answered(self, stage: ProcessStage) -> None:
        revision = stage.revision("one")
        await stage.platform.run(revision)
        (one,) = await ready(stage, 1)
        request = asyncio.create_task(get(one, "/slow?1"))
        await stage.wait(0.2)
        await stage.platform.stop(PRODUCTION, revision.id)
        assert [seen.state for seen in await stage.platform.observe(PRODUCTION)] == ["stopping"]
        assert await request == "ok"
        await observed(stage, lambda seen: not seen)

    @pytest.mark.real
    @pytest.mark.parametrize("restart", [False, True])
    async def test_what_does_not_listen_is_ended_after_the_grace(self, stage: ProcessStage, restart: bool) -> None:
        revision = stage.revision("one", behaviour="deaf")
        await stage.platform.run(revision)
        (one,) = await ready(stage, 1)
        mark, begin = stage.record(one.id).marker, time.monotonic()
        await get(one, "/fork?group")
        await stage.platform.stop(PRODUCTION, revision.id)
        if restart:
            await stage.wait(1)
            await stage.restart()
        await observed(stage, lambda seen: not seen)
        assert 1.9 < time.monotonic() - begin < 2.9, "the grace is 2 s, also across servers"
        assert marked(mark) == []

    @pytest.mark.real
    async def test_no_zombie_and_no_record_is_left_but_the_log(self, stage: ProcessStage) -> None:
        revision = stage.revision("one")
        await stage.platform.run(revision)
        (one,) = await ready(stage, 1)
        process = stage.process(one.id)
        await stage.restart()
        await stage.platform.stop(PRODUCTION, revision.id)
        await observed(stage, lambda seen: not seen)
        with pytest.raises(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
        assert not stage.path(one.id).exists()
        assert [log.stem for log in stage.settings.data.rglob("*.log")] == [one.id]


class TestStart:
    @pytest.mark.real
    async def test_it_is_given_what_it_needs_and_nothing_of_ours(
        self, stage: ProcessStage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HEADGATE_TOKEN", "hush")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
        own = {"DATABASE_URL": Value("plain", "sqlite:///${DATA_DIR}/quotes.db"), "PORT": Value("plain", "80")}
        revision = stage.revision("one", env=own)
        await stage.platform.run(revision)
        (one,) = await ready(stage, 1)
        given = json.loads(await get(one, "/environment"))
        assert "hush" not in given.values()
        expected = {"RELEASE": revision.release, "REVISION": revision.id, "ENVIRONMENT": "production"}
        assert expected.items() <= given.items()
        assert (given["SERVICE"], f"127.0.0.1:{given['PORT']}") == ("web", one.address)
        assert given["DATABASE_URL"] == f"sqlite:///{given['DATA_DIR']}/quotes.db"
        data = Path(given["DATA_DIR"])
        assert data.is_dir()
        assert data.stat().st_mode & 0o077 == 0

    @pytest.mark.real
    async def test_nothing_of_the_server_is_open_in_it(self, stage: ProcessStage) -> None:
        with socket.socket() as ours:
            os.set_inheritable(ours.fileno(), True)
            await stage.platform.run(stage.revision("one"))
            (one,) = await ready(stage, 1)
            folder = Path(f"/proc/{stage.process(one.id).pid}/fd")
            targets = {str(link.readlink()) for link in folder.iterdir()}
            assert str(Path(f"/proc/self/fd/{ours.fileno()}").readlink()) not in targets
