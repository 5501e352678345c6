"""The patches apply, pass the application's own tests where that is their point, and do what they are for.

Beside the patches rather than in tests/: a copy that a patch was applied to must not run this.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

APPLICATION = Path(__file__).parents[1]
MONTHLY, DEFECT, SLOW = (
    "2-monthly-price.patch", "3-typical-price.patch", "4-address-works-at-once.patch",
)
VERSIONS = {"1": [], "2": [MONTHLY], "3": [MONTHLY, DEFECT], "4": [MONTHLY, SLOW]}
ENQUIRIES = (APPLICATION / "traffic" / "enquiries.jsonl").read_text().splitlines()

# Answers every enquiry in one process, twenty at a time; prints each status and how long it took in seconds.
REPLAY = """
import asyncio, json, sys, time
import httpx
from quotes.app import app

async def main():
    enquiries = sys.stdin.read().splitlines()
    few = asyncio.Semaphore(20)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://q") as client:
        async def ask(body):
            async with few:
                start = time.perf_counter()
                reply = await client.post("/quotes", content=body, headers={"content-type": "application/json"})
                return reply.status_code, time.perf_counter() - start
        print(json.dumps(await asyncio.gather(*map(ask, enquiries))))

asyncio.run(main())
"""


def version(number: str, folder: Path) -> Path:
    """A copy of the application at that version."""
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache", "*.db*")
    copy = Path(shutil.copytree(APPLICATION, folder / f"v{number}", ignore=ignored))
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    for patch in VERSIONS[number]:
        subprocess.run(["git", "apply", str(APPLICATION / "versions" / patch)], cwd=copy, check=True)
    return copy


def replay(copy: Path) -> list[tuple[int, float]]:
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{copy.parent}/pcw.db", "LOG_LEVEL": "CRITICAL"}
    done = subprocess.run(
        [sys.executable, "-c", REPLAY], cwd=copy / "services" / "quotes", env=environment, input="\n".join(ENQUIRIES),
        capture_output=True, text=True, timeout=60, check=True,
    )
    return [(status, seconds) for status, seconds in json.loads(done.stdout)]


@pytest.mark.parametrize("number", ["1", "2", "4"])
def test_a_sound_version_answers_every_enquiry(number: str, tmp_path: Path) -> None:
    assert {status for status, _ in replay(version(number, tmp_path))} == {201}


def test_version_3_fails_for_about_one_enquiry_in_twenty(tmp_path: Path) -> None:
    statuses = [status for status, _ in replay(version("3", tmp_path))]
    assert set(statuses) == {201, 500}
    assert 0.04 <= statuses.count(500) / len(statuses) <= 0.06


def test_version_4_is_slower_by_tens_of_milliseconds(tmp_path: Path) -> None:
    before, after = (median(replay(version(number, tmp_path / number))) for number in ("2", "4"))
    assert 0.03 < after - before < 0.12


@pytest.mark.parametrize("number", ["2", "3", "4"])
def test_the_applications_own_tests_notice_nothing(number: str, tmp_path: Path) -> None:
    copy = version(number, tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "BASE_URL"}
    command = [sys.executable, "-m", "pytest", "-q", "tests"]
    done = subprocess.run(command, cwd=copy, env=environment, timeout=120, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_traffic_is_what_the_script_makes() -> None:
    made = subprocess.run(
        [sys.executable, str(APPLICATION / "traffic" / "generate.py")], capture_output=True, text=True, check=True
    )
    assert made.stdout.splitlines() == ENQUIRIES


def median(replies: list[tuple[int, float]]) -> float:
    seconds = sorted(taken for _, taken in replies)
    return seconds[len(seconds) // 2]
