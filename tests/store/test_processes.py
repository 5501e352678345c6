"""What was acknowledged outlives kill -9; of two processes at one version exactly one wins; one server to a folder."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headgate.ports import LogUnavailable
from headgate.store.lock import FolderInUse, FolderLock
from headgate.store.sqlite import SqliteEventLog
from headgate.store.verify import verify

pytestmark = pytest.mark.real

APPENDER = Path(__file__).with_name("appender.py")
HOLDER = """
import sys, time
from pathlib import Path
from headgate.store.lock import FolderLock
FolderLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(60)
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)


def killed(process: subprocess.Popen[str]) -> str:
    """What it printed before it died."""
    process.send_signal(signal.SIGKILL)
    return process.communicate(timeout=10)[0]


@pytest.mark.timeout(120)
async def test_what_was_acknowledged_outlives_kill_9(path: Path) -> None:
    acknowledged = 0
    for delay in (0.02, 0.15, 0.4, 0.08, 1.3, 0.25):
        process = start(str(APPENDER), str(path), "a")
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(delay)
        printed = killed(process).rpartition("\n")[0].split()  # the last line may be half a number
        acknowledged = max([acknowledged, *map(int, printed)])
        assert verify(path).ok
        async with SqliteEventLog(path) as log:
            there = await log.read("a")
        # One more may be there: durable, but killed before it could say so.
        assert acknowledged <= len(there) <= acknowledged + 2
        assert [one.event.index for one in there] == list(range(len(there)))  # type: ignore[union-attr]
    assert acknowledged > 50


def test_two_processes_never_both_win(path: Path) -> None:
    asyncio.run(created(path))
    rivals = [start(str(APPENDER), str(path), "contested", "300") for _ in range(2)]
    lines = [rival.communicate(timeout=50)[0].split()[1:] for rival in rivals]
    assert [rival.returncode for rival in rivals] == [0, 0]
    won = [int(line) for one in lines for line in one if line != "conflict"]
    conflicts = sum(line == "conflict" for one in lines for line in one)
    assert sorted(won) == list(range(1, len(won) + 1))
    assert len(won) + conflicts == 600
    assert conflicts > 0
    assert verify(path).count == len(won)


async def created(path: Path) -> None:
    async with SqliteEventLog(path):
        pass


# --- one server to a folder


def test_the_lock_says_who_holds_it(tmp_path: Path) -> None:
    with FolderLock(tmp_path):
        holder = json.loads((tmp_path / "headgate.lock").read_text())
    assert (holder["pid"], holder["host"]) == (os.getpid(), socket.gethostname())
    assert holder["started_at"].endswith("+00:00")


def test_a_second_server_is_refused_by_name_until_the_first_is_dead(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = start("-c", HOLDER, str(folder))
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse) as refusal:
            FolderLock(folder).acquire()
        assert f"pid {first.pid} on {socket.gethostname()}" in str(refusal.value)
        assert str(folder) in str(refusal.value)
    finally:
        killed(first)
    with FolderLock(folder):
        pass


def test_a_lock_that_was_released_can_be_had_again(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(FolderInUse):
        FolderLock(tmp_path).acquire()
    with FolderLock(tmp_path):
        pass


def test_what_the_server_starts_does_not_hold_its_lock(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path).acquire()
    child = subprocess.Popen(["sleep", "30"], close_fds=False)
    try:
        lock.release()
        with FolderLock(tmp_path):
            pass
    finally:
        child.kill()
        child.wait()


def test_the_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "new" / "data"):
        assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("content", ["", "nonsense", "[]", "{}"])
def test_a_holder_that_has_not_signed_yet(tmp_path: Path, content: str) -> None:
    with FolderLock(tmp_path):
        (tmp_path / "headgate.lock").write_text(content)
        with pytest.raises(FolderInUse, match="pid unknown"):
            FolderLock(tmp_path).acquire()


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(LogUnavailable, match="cannot be used"):
        FolderLock(tmp_path / "data").acquire()
