"""Checks as processes of their own: what they are given, what they leave, and what outlives the server."""

import asyncio
import errno
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.adapters.machine.checked import CANARY, Bench, job, open_shop

from headgate.adapters.machine.jobs import Desk, Jobs
from headgate.model.checks import Check, Load, Request
from headgate.model.ids import JobId
from headgate.ports import AdapterError

pytestmark = pytest.mark.real

JUNIT = '<testsuite><testcase name="a"/><testcase name="b">{inside}</testcase></testsuite>'


def junit(inside: str) -> str:
    return f"mkdir reports; echo '{JUNIT.format(inside=inside)}' > reports/unit.xml"


async def test_reports_are_understood_and_files_are_kept_but_never_in_the_release(bench: Bench) -> None:
    ran = junit("<skipped/>") + "; cat prices.txt > seen.txt"
    seen = await bench.ran(ran, junit="reports/*.xml", artifacts=("reports/*", "*.txt"))
    assert seen.state == "passed"
    assert seen.detail.startswith("2 tests, 1 of them skipped, passed in ")
    assert seen.numbers == {"tests": 2, "failed": 0, "skipped": 1}
    assert seen.artifacts == ("prices.txt", "reports/unit.xml", "seen.txt")
    assert (bench.jobs.kept(seen.id) / "seen.txt").read_text() == "12.50\n"
    assert [path.name for path in bench.release.iterdir()] == ["prices.txt"]
    async with asyncio.timeout(5):
        while list(bench.folder.jobs.glob("*.work")):
            await asyncio.sleep(0.02)


async def test_a_failed_test_is_named_and_counts_more_than_the_exit_code(bench: Bench) -> None:
    seen = await bench.ran(junit("<failure/>"), junit="reports/*.xml")
    assert (seen.state, seen.detail) == ("failed", "1 of 2 tests failed: b")


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ("true", "its report r.xml was not written"),
        ("echo '<a/>' > r.xml", "not one test ran: nothing is no success"),
        ("echo nonsense > r.xml", "r.xml is no JUnit XML: syntax error: line 1, column 0"),
    ],
)
async def test_a_report_that_says_nothing_is_no_success(bench: Bench, run: str, told: str) -> None:
    seen = await bench.ran(run, junit="r.xml")
    assert (seen.state, seen.detail) == ("failed", told)


async def test_secrets_are_masked_wherever_a_check_repeats_them(bench: Bench) -> None:
    seen = await bench.ran("printf 'the password is hunter2'; echo 'hunter2'; false")
    assert seen.state == "failed"
    assert "the password is ***" in seen.detail
    assert "hunter2" not in seen.detail
    assert "hunter2" not in bench.jobs.log(seen.id).read_text()


async def test_texts_that_are_kept_are_masked_and_what_is_no_text_stays_as_it_is(bench: Bench) -> None:
    run = f"echo 'a {CANARY} b' > r.txt; chmod 400 r.txt; printf 'x\\0{CANARY}' > p.png; ln -s /etc/hostname l.txt"
    seen = await bench.ran(run, artifacts=("*.txt", "*.png"))
    kept = bench.jobs.kept(seen.id)
    assert seen.artifacts == ("p.png", "prices.txt", "r.txt")
    assert (kept / "r.txt").read_text() == "a *** b\n"
    assert (kept / "prices.txt").read_text() == "12.50\n"
    assert (kept / "p.png").read_bytes() == b"x\0" + CANARY.encode()


async def test_what_cannot_be_kept_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "r.txt")

    monkeypatch.setattr("headgate.adapters.machine.jobs.concluded", full)
    seen = await bench.ran("true")
    assert (seen.state, seen.detail) == ("failed", "what it left cannot be kept: No space left on device (r.txt)")


async def test_it_goes_on_while_the_server_is_away_and_its_report_is_read_then(bench: Bench) -> None:
    asked = job(Check("e2e", "run", f"sleep 0.5; {junit('')}", junit="reports/*.xml"), "http://127.0.0.1:1")
    await bench.jobs.run(asked, bench.release)
    bench.restart()
    await bench.jobs.run(asked, bench.release)  # running it twice is running it once
    seen = await bench.end_of(asked)
    assert seen.numbers["tests"] == 2
    bench.restart()
    assert bench.jobs.seen(asked.id) == seen


async def test_requests_are_asked_by_a_process_of_their_own(bench: Bench) -> None:
    async with open_shop() as shop:
        wrong = Request("/quotes", json={"$.total": "4"})
        seen = await bench.ended(job(Check("api", "http", requests=(Request("/"), wrong)), shop.url))
    assert seen.state == "failed"
    assert seen.detail == f"GET {shop.url}/quotes: expected $.total to be 4, found 3"
    assert seen.numbers["requests"] == 2
    assert "GET" in bench.jobs.log(seen.id).read_text()


async def test_what_an_answer_says_is_masked(bench: Bench) -> None:
    async with open_shop() as shop:
        wrong = Request("/quotes", "POST", body=CANARY, status=(404,))
        seen = await bench.ended(job(Check("api", "http", requests=(wrong,)), shop.url))
    assert "***" in seen.detail
    assert CANARY not in seen.detail


async def test_a_program_that_takes_longer_has_failed(bench: Bench) -> None:
    async with open_shop() as shop:
        slow = Check("api", "http", timeout=timedelta(seconds=1), requests=(Request("/slow"),) * 9)
        seen = await bench.ended(job(slow, shop.url))
    assert seen.state == "failed"
    assert seen.detail.startswith("was ended as it took longer than 1 s")


async def test_five_hundred_a_second_are_held_and_a_stop_of_a_second_is_seen(bench: Bench) -> None:
    """p90 of a fast service is far below its limit; with a stop of one second in four it cannot be."""
    found = []
    for stops in ((0.0, 0.0), (0.5, 1.5)):
        load = Load(500, timedelta(seconds=2.5), p90=timedelta(seconds=0.5), p99=timedelta(seconds=0.9))
        async with open_shop(stops=stops) as shop:
            asked = job(Check("load", "load", load=load), shop.url)
            shutil.rmtree(bench.folder.jobs)
            bench.restart()
            found.append(await bench.ended(asked))
    fast, stopped = found
    assert fast.state == "passed", fast.detail
    assert (fast.numbers["requests"], fast.numbers["failed"]) == (1250, 0)
    assert fast.numbers["achieved"] >= 0.99
    assert stopped.state == "failed"
    assert stopped.numbers["p99_ms"] > 900
    assert stopped.numbers["p90_ms"] > 500


async def test_what_was_kept_is_handed_over_but_never_through_a_link(bench: Bench) -> None:
    (bench.folder.path / "token").write_text(CANARY)
    seen = await bench.ran("mkdir a; echo 3 > a/b.txt; echo said", artifacts=("a/*",))
    assert bench.jobs.printed(seen.id) == ["said"]
    with bench.jobs.artifact(seen.id, "a/b.txt") as file:
        assert file.read() == b"3\n"
    kept = bench.jobs.kept(seen.id)
    (kept / "token").symlink_to(bench.folder.path / "token")
    (kept / "up").symlink_to(bench.folder.path)
    for name in ("token", "up/token", "../../token", "a", "c.txt", "", "/etc/hostname", "\0"):
        with pytest.raises(AdapterError, match="is kept no longer"):
            bench.jobs.artifact(seen.id, name)
    assert bench.jobs.printed(JobId("rol_0-0-0")) == []


async def test_the_oldest_are_forgotten_with_all_they_left(bench: Bench) -> None:
    bench.jobs.close()
    bench.jobs = Jobs(Desk(bench.folder, bench.prober, lambda: None, kept=1))
    for number in range(3):
        check = Check("e2e", "run", "echo > a.txt", artifacts=("a.txt",))
        asked = job(check, "http://127.0.0.1:1")
        await bench.ended(replace(asked, id=JobId(f"rol_{number}-1-1")))
    left = {path.name.partition(".")[0] for path in bench.folder.jobs.iterdir()}
    assert left == {"rol_1-1-1", "rol_2-1-1"}

