"""The whole demo, at a rate that a shared machine bears, and that it leaves nothing behind.

In full in containers, where more can go wrong; as processes until users are served.
"""

import asyncio
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.demo.leftovers import in_the_engine, left_running

from headgate.cli.demo.server import HEADGATE

# Four versions, each with staging and a canary; a machine that is busy with other things needs longer.
MINUTES = 12
NOTHING = {"images": 0, "containers": 0, "networks": 0, "volumes": 0}
pytestmark = [pytest.mark.real("envoy", "git"), pytest.mark.timeout(60 * (MINUTES + 1))]


def environment(temporary: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(temporary), "NO_COLOR": "1"}


@pytest.mark.real("dockerd", "docker-registry")
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
    assert found["platform"] == "docker", "it is there, so it is taken"
    assert "The services run in containers: a Docker Engine answers" in done.stderr.splitlines()[0]
    assert list(tmp_path.glob("headgate-demo-*")) == []
    assert left_running(tmp_path) == []
    assert asyncio.run(in_the_engine(done.stderr)) == NOTHING


def interrupted(platform: str, folder: Path, at: str, seconds: float, number: signal.Signals) -> tuple[int, str]:
    """So many seconds after it said so much. Its exit code, and all that it said."""
    command = [*HEADGATE, "demo", "--platform", platform, "--rate", "20"]
    with subprocess.Popen(command, env=environment(folder), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = ""
        for line in process.stdout:
            told += line
            if at in line:
                break
        time.sleep(seconds)
        process.send_signal(number)
        told += process.stdout.read()
        return process.wait(60), told


def test_interrupted_while_users_are_served_it_takes_everything_down(tmp_path: Path) -> None:
    code, told = interrupted("process", tmp_path, "how much does this machine bear", 1, signal.SIGTERM)
    assert "The services run as processes" in told.splitlines()[0]
    assert code == 130
    assert list(tmp_path.glob("headgate-demo-*")) == []
    assert left_running(tmp_path) == []


@pytest.mark.real("dockerd", "docker-registry")
def test_interrupted_while_images_are_built_it_takes_everything_down(tmp_path: Path) -> None:
    code, told = interrupted("docker", tmp_path, "a developer commits v1", 3.5, signal.SIGINT)
    assert code == 130
    assert list(tmp_path.glob("headgate-demo-*")) == []
    assert left_running(tmp_path) == []
    assert asyncio.run(in_the_engine(told)) == NOTHING


def test_a_folder_that_is_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("not to be touched")
    command = [*HEADGATE, "demo", "--platform", "process", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt"]
