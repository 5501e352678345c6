"""A full disk stops appends, says where, and leaves the log whole: once there is room, appending goes on."""

import asyncio
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store.conftest import steps

from headgate.ports import LogUnavailable
from headgate.store.sqlite import SqliteEventLog
from headgate.store.verify import verify


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs here: {mounted.stderr.decode().strip()}")
    yield place
    if subprocess.run(["umount", place], check=False).returncode:
        subprocess.run(["umount", "--lazy", place], check=True)
        pytest.fail("a log that was closed, or failed to open, still holds files")


def use_up(ballast: Path) -> None:
    """The last bytes of the file system go into the ballast."""
    with ballast.open("ab", buffering=0) as file:
        for _ in range(1000):
            try:
                file.write(bytes(4096))
            except OSError:
                return
    pytest.fail("the disk never filled up")


async def fill(log: SqliteEventLog, version: int = 0) -> tuple[int, str]:
    """Appends until it cannot. Returns the last acknowledged version and what the log said."""
    for _ in range(1000):
        try:
            await log.append("a", steps(version, 1, why="x" * 3000), after=version)
        except LogUnavailable as error:
            return version, str(error)
        version += 1
    pytest.fail("the disk never filled up")


async def assert_goes_on(log: SqliteEventLog, version: int) -> None:
    await log.append("a", steps(version, 3, why="x" * 3000), after=version)
    assert [one.event.index for one in await log.read("a")] == list(range(version + 3))  # type: ignore[union-attr]


@pytest.mark.real("mount")
async def test_a_full_file_system_is_named_and_room_is_enough_to_go_on(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(300_000))
    path = small_disk / "headgate.db"
    async with SqliteEventLog(path) as log:
        version, said = await fill(log)
        assert version > 10
        assert f"no room left for the event log {path}" in said
        assert f"mounted at {small_disk} (0.0 MiB of 1.0 MiB free)" in said
        assert len(await log.read("a")) == version  # reading goes on
        for _ in range(5):  # being full for long changes nothing
            assert (await fill(log, version))[0] == version
        ballast.unlink()
        await assert_goes_on(log, version)
    assert verify(path).ok


@pytest.mark.real("mount")
async def test_a_server_can_be_restarted_on_a_full_disk_or_says_that_it_is_full(small_disk: Path) -> None:
    path = small_disk / "headgate.db"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(300_000))
    async with SqliteEventLog(path) as log:
        version, _ = await fill(log)
    use_up(ballast)
    with pytest.raises(LogUnavailable, match=f"mounted at {small_disk}"):
        await SqliteEventLog(path).open()
    ballast.unlink()
    async with SqliteEventLog(path) as log:
        await assert_goes_on(log, version)
    assert verify(path).ok


async def test_a_file_size_limit(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with SqliteEventLog(path) as log:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        try:
            version, said = await fill(log)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert version > 10
        assert str(path) in said
        assert "file size limits" in said
        await assert_goes_on(log, version)
    assert verify(path).ok


async def test_a_database_that_may_not_grow(path: Path) -> None:
    async with SqliteEventLog(path) as log:
        with log._writer.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=40")
            connection.rollback()
        version, said = await fill(log)
        assert "no room left" in said
        await assert_goes_on(log, version)  # the connection that met the limit was dropped
    assert verify(path).ok


async def test_an_anchor_that_cannot_be_written_does_not_stop_the_log(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.store.sqlite.ANCHOR_DELAY", 0.05)
    async with SqliteEventLog(path) as log:
        (path.parent / "headgate.db.anchor.new").mkdir()  # in the way of the next anchor
        await log.append("a", steps(0, 1), after=0)
        async with asyncio.timeout(10):
            while "stays behind" not in caplog.text:
                await asyncio.sleep(0.01)
        (path.parent / "headgate.db.anchor.new").rmdir()
        await log.append("a", steps(1, 1), after=1)
    assert verify(path).ok
    assert verify(path).anchor == verify(path).head
