"""Logs: the last lines, following, cutting, pruning."""

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.platforms.process.stage import ProcessStage, get, staged, until

from headgate.adapters.machine import logs
from headgate.testing.contracts.platform import PRODUCTION, observed, ready


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


class TestOneFile:
    def test_the_last_lines(self, tmp_path: Path) -> None:
        log = written(tmp_path / "a.log", "".join(f"{n}\n" for n in range(100_000)))
        assert logs.last_lines(log, 2) == ["99998", "99999"]
        assert logs.last_lines(log, 0) == []
        assert logs.last_lines(tmp_path / "none.log", 5) == []

    def test_the_last_words_are_one_line_that_no_terminal_obeys(self, tmp_path: Path) -> None:
        log = written(tmp_path / "a.log", "old\n" + "a\n\nb\x1b[31m\rc\n" + "x" * 1000)
        words = logs.last_words(log, start=4)
        assert words.startswith("; last lines: b [31m | c | xxx")
        assert words.isprintable()
        assert len(words) < 700

    @given(st.binary(max_size=200), st.integers(0, 300))
    def test_any_output_has_last_words(
        self, tmp_path_factory: pytest.TempPathFactory, output: bytes, start: int
    ) -> None:
        log = tmp_path_factory.mktemp("logs") / "a.log"
        log.write_bytes(output)
        assert logs.last_words(log, start).isprintable()

    def test_too_long_is_cut_while_the_writer_goes_on(self, tmp_path: Path) -> None:
        log = tmp_path / "a.log"
        with log.open("ab", buffering=0) as writer:
            writer.write(b"x" * 50)
            assert not logs.cut(log, 100)
            writer.write(b"y" * 51)
            assert logs.cut(log, 100)
            writer.write(b"new\n")
        assert log.read_bytes() == b"new\n"
        assert logs.earlier(log).read_bytes() == b"x" * 50 + b"y" * 51
        assert logs.earlier(log).stat().st_mode & 0o077 == 0

    def test_a_follower_reads_whole_lines_and_begins_anew_when_it_was_cut(self, tmp_path: Path) -> None:
        log = written(tmp_path / "a.log", "old\n")
        follower = logs.Follower(log, 4)
        with log.open("ab", buffering=0) as writer:
            writer.write(b"ha")
            assert follower.new() == []
            writer.write(b"lf\nwhole\n")
            assert follower.new() == ["half", "whole"]
            logs.cut(log, 1)
            writer.write(b"n\n")
            assert follower.new() == ["n"]

    def test_the_newest_are_kept_and_what_runs(self, tmp_path: Path) -> None:
        for age, name in enumerate(["e", "d", "c", "b", "a"]):
            log = written(tmp_path / f"{name}.log", "")
            os.utime(log, (age, age))
        written(tmp_path / "e.log.1", "")
        written(tmp_path / "d.log.1", "")
        logs.prune(tmp_path, keep=2, live={"e"})
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "b.log", "e.log", "e.log.1"]


@pytest.mark.real
class TestOfAService:
    async def lines(self, stage: ProcessStage, service: str | None = None) -> list[str]:
        return [line async for line in stage.platform.logs(PRODUCTION, service, lines=2, follow=False)]

    async def test_each_line_names_its_instance(self, stage: ProcessStage) -> None:
        await stage.platform.run(stage.revision("one", replicas=2))
        for one in await ready(stage, 2):
            for word in ("a", "b", "c"):
                await get(one, f"/print?{word}")
        first, second = await ready(stage, 2)
        expected = [f"{one.id} | {word}" for one in (first, second) for word in ("b", "c")]
        assert await self.lines(stage) == await self.lines(stage, "web") == expected
        assert await self.lines(stage, "quotes") == []

    async def test_following_shows_what_comes_and_who_comes(self, stage: ProcessStage) -> None:
        heard: list[str] = []

        async def listen() -> None:
            async for line in stage.platform.logs(PRODUCTION, None, lines=1, follow=True):
                heard.append(line)  # noqa: PERF401 - heard while it goes on

        listener = asyncio.create_task(listen())
        await stage.wait(0.1)
        await stage.platform.run(stage.revision("one"))
        (one,) = await ready(stage, 1)
        await get(one, "/print?news")
        await until(lambda: f"{one.id} | news" in heard)
        listener.cancel()

    async def test_the_log_outlives_the_instance(self, stage: ProcessStage) -> None:
        revision = stage.revision("one", behaviour="crash")
        await stage.platform.run(revision)
        await observed(stage, lambda seen: seen[0].state == "exited")
        await stage.platform.stop(PRODUCTION, revision.id)
        assert [line.partition(" | ")[2] for line in await self.lines(stage)] == ["no table 'tariffs'"]

    async def test_a_running_instances_log_is_cut(self, tmp_path: Path) -> None:
        async with staged(tmp_path, log_bytes=1000) as stage:
            await stage.platform.run(stage.revision("one"))
            (one,) = await ready(stage, 1)
            await get(one, f"/print?{'x' * 2000}")
            log = next(stage.settings.data.rglob(f"{one.id}.log"))
            assert log.stat().st_mode & 0o077 == 0
            await until(lambda: log.stat().st_size == 0)
            await get(one, "/print?after")
            assert log.read_text() == "after\n"
