"""The whole demo, at a rate that a shared machine bears, and that it leaves nothing behind."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from headgate.cli.demo.server import HEADGATE

# Four versions, each with staging and a canary; a machine that is busy with other things needs longer.
MINUTES = 8
pytestmark = [pytest.mark.real("envoy", "git"), pytest.mark.timeout(60 * (MINUTES + 1))]


def environment(temporary: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(temporary), "NO_COLOR": "1"}


def left_running(folder: Path) -> list[str]:
    """Command lines of processes that name the folder, and so were started for it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            where = os.readlink(path.with_name("cwd"))
        except OSError:
            continue
        if str(folder) in command or where.startswith(str(folder)):
            found.append(command)
    return found


def test_all_of_it_holds(tmp_path: Path) -> None:
    done = subprocess.run(
        [*HEADGATE, "demo", "--rate", "200", "--json"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
        check=False,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert {claim["text"]: claim["found"] for claim in found["claims"] if not claim["held"]} == {}
    assert (done.returncode, found["ok"]) == (0, True)
    outcomes = {label: version["production"]["outcome"] for label, version in found["versions"].items()}
    assert outcomes == {"v1": "promoted", "v2": "promoted", "v3": "aborted", "v4": "aborted"}
    assert found["bad_in_good_release"] == 0
    assert found["served"] > 1000
    assert found["versions"]["v3"]["harm"]["bad"] > 0
    assert list(tmp_path.glob("headgate-demo-*")) == []
    assert left_running(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_one_takes_everything_down(tmp_path: Path, number: signal.Signals) -> None:
    command = [*HEADGATE, "demo", "--rate", "20"]
    with subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if "how much does this machine bear" in line:
                break
        time.sleep(1)  # the load generator is at work
        process.send_signal(number)
        process.stdout.read()
        assert process.wait(60) == 130
    assert list(tmp_path.glob("headgate-demo-*")) == []
    assert left_running(tmp_path) == []


def test_a_folder_that_is_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("not to be touched")
    command = [*HEADGATE, "demo", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt"]
