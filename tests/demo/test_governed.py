"""The example under governance: the same application as in headgate.yaml, and checks that it really passes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from tests.adapters.machine.checked import Bench

from headgate import bootstrap
from headgate.cli.demo.registry import free_port
from headgate.model.checks import Check, Job, JobSeen
from headgate.model.ids import EnvironmentId, JobId, RevisionId
from headgate.spec.compile import application
from headgate.spec.missing import missing
from headgate.spec.read import read

EXAMPLE = Path(__file__).parents[2] / "examples" / "pcw"
PLAIN, GOVERNED = (read((EXAMPLE / name).read_text()) for name in ("headgate.yaml", "governed.yaml"))
STAGING = next(one for one in application(GOVERNED, "/s", "f").environments if one.name == "staging")
CHECKS = {check.name: check for check in STAGING.checks}
QUICK = ("pages", "e2e")  # the demo runs the journey, tests/journey offers the load


def test_it_is_the_same_application_in_the_same_environments_and_all_it_asks_for_is_there() -> None:
    assert PLAIN.services == GOVERNED.services
    assert PLAIN.content.pipeline == GOVERNED.content.pipeline
    assert list(PLAIN.environments) == list(GOVERNED.environments)
    assert missing(GOVERNED, bootstrap.present()) == []
    assert {check.kind for check in CHECKS.values()} == {"http", "browser", "run", "load"}


# --- the checks, on the application as it runs


@contextmanager
def running(folder: Path, service: str, **variables: str) -> Iterator[str]:
    """Its URL, at which nothing may answer yet."""
    port = free_port()
    program = [sys.executable, "-m", "uvicorn", f"{service}.app:app", "--port", str(port), "--no-access-log"]
    given = {"PATH": os.environ["PATH"], **variables}
    with (folder / f"{service}.log").open("wb") as log:
        started = subprocess.Popen(program, cwd=EXAMPLE / "services" / service, env=given, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        started.terminate()
        started.wait(20)


async def answers(url: str) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            with suppress(aiohttp.ClientError):
                async with session.get(f"{url}/healthz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    made.release = EXAMPLE
    yield made
    made.jobs.close()
    await made.prober.close()


async def checked(bench: Bench, check: Check, services: dict[str, str]) -> JobSeen:
    who = (EnvironmentId("pcw/staging"), RevisionId("rev_1"))
    return await bench.ended(Job(JobId(f"rol_1-{check.name}-1"), *who, check, services, {}))


@pytest.mark.real("chromium")
async def test_the_application_passes_those_of_its_own(bench: Bench, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/pcw.db"
    with (
        running(tmp_path, "quotes", DATABASE_URL=database, PROVIDER_TIMEOUT_SECONDS="2") as quotes,
        running(tmp_path, "web", QUOTES_URL=quotes) as web,
    ):
        await asyncio.gather(answers(quotes), answers(web))
        services = {"web": web, "quotes": quotes}
        found = {name: await checked(bench, check, services) for name, check in CHECKS.items() if name in QUICK}
    assert {name: seen.detail for name, seen in found.items() if seen.state != "passed"} == {}
    assert found["e2e"].numbers == {"tests": 3, "failed": 0}
