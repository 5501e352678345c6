"""Check `browser`, in the Chromium of this machine."""

import os
import sys
import zipfile
from datetime import timedelta

import pytest
from aiohttp import web
from tests.adapters.machine.checked import CANARY, Bench, job, serving

from headgate.adapters.machine.checks import browser
from headgate.model.checks import Check, JobSeen

PAGE = """<!doctype html><title>Shop</title><h1>Quotes</h1><form><input name=age><button>Compare</button></form>
<ul></ul><script>
document.querySelector("form").onsubmit = async event => {
  event.preventDefault();
  const answer = await fetch("/quotes");
  console.log("answered " + answer.status);
  document.querySelector("ul").innerHTML = `<li>${(await answer.json()).insurer}`;
};</script>"""
WALK = """
import os
{more}
def test_a_visitor_compares(page):
    page.goto("/")
    page.fill("[name=age]", "30")
    page.click("text=Compare")
    assert page.text_content("li") == "{insurer}", page.text_content("li")

def test_it_knows_where_it_is(page, base_url):
    assert os.environ["BASE_URL"] == base_url
    assert (os.environ["ENVIRONMENT"], os.environ["RELEASE"]) == ("staging", "rel_1")
    page.goto("/")
    assert page.title() == "Shop"
"""


async def walked(bench: Bench, script: str) -> JobSeen:
    (bench.release / "shop.py").write_text(script)

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def quotes(_: web.Request) -> web.Response:
        return web.json_response({"insurer": "Bramble"})

    async with serving({"/": page, "/quotes": quotes}) as url:
        return await bench.ended(job(Check("e2e", "browser", timeout=timedelta(minutes=1), script="shop.py"), url))


@pytest.mark.real("chromium")
async def test_a_visitor_who_finds_what_is_expected_leaves_nothing_behind(bench: Bench) -> None:
    seen = await walked(bench, WALK.format(insurer="Bramble", more=""))
    assert seen.state == "passed", bench.jobs.log(seen.id).read_text()
    assert seen.detail.startswith("2 tests passed in Chromium ")
    assert seen.numbers == {"tests": 2, "failed": 0}
    assert seen.artifacts == ()
    assert "  log: answered 200" in bench.jobs.log(seen.id).read_text()


@pytest.mark.real("chromium")
async def test_of_one_that_fails_a_picture_and_a_trace_are_kept(bench: Bench) -> None:
    seen = await walked(bench, WALK.format(insurer="Harbour", more=f'print("{CANARY}")'))
    assert seen.state == "failed"
    assert "1 of 2 tests failed in Chromium " in seen.detail
    assert seen.detail.endswith(": test_a_visitor_compares: AssertionError: Bramble")
    assert seen.numbers == {"tests": 2, "failed": 1}
    assert seen.artifacts == ("test_a_visitor_compares.png", "test_a_visitor_compares.zip")
    kept = bench.jobs.kept(seen.id)
    assert (kept / seen.artifacts[0]).read_bytes().startswith(b"\x89PNG")
    assert any(name.endswith(".trace") for name in zipfile.ZipFile(kept / seen.artifacts[1]).namelist())
    assert CANARY not in bench.jobs.log(seen.id).read_text()
    assert [path.name for path in bench.release.iterdir() if path.suffix != ".txt"] == ["shop.py"]


@pytest.mark.real
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("x = 1", "shop.py has no function test_NAME(page)"),
        ("def test_a(page, db): ...", "test_a wants db: a test is given page, context, base_url, as far as it names"),
        ("async def test_a(page): ...", "test_a is no plain function: write `def test_a(page)`"),
        ("import nowhere", "shop.py cannot be read: ModuleNotFoundError: No module named 'nowhere'"),
        ("import os; os._exit(0)", "its program ended without a word"),
    ],
)
async def test_a_script_that_says_nothing_is_no_success(bench: Bench, script: str, told: str) -> None:
    seen = await walked(bench, script)
    assert seen.state == "failed"
    assert seen.detail.startswith(told)


def test_what_was_waited_for_is_told() -> None:
    said = 'Locator.fill: Timeout 10000ms exceeded.\nCall log:\n\x1b[2m - waiting for get_by_label("Age")\x1b[22m\n - b'
    told = browser.told(TimeoutError(said))
    assert told == 'TimeoutError: Locator.fill: Timeout 10000ms exceeded. (waiting for get_by_label("Age"))'
    assert browser.told(AssertionError()) == "AssertionError"


def test_what_is_missing_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = job(Check("e2e", "browser", script="shop.py"), "http://127.0.0.1:1")
    assert browser.walked(asked).sentence == "the release has no file shop.py"
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    assert "pip install 'headgate[browser]'" in browser.walked(asked).sentence


class Nothing:
    class chromium:  # noqa: N801 - as Playwright calls it
        executable_path = "/nowhere/chrome"


def test_without_chromium_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    found, wrong = browser.launched(Nothing)  # type: ignore[arg-type]
    assert found is None
    assert "`apt-get install chromium` or `playwright install chromium`" in wrong
    monkeypatch.setenv("HEADGATE_CHROMIUM", "/nowhere/else")
    assert browser.launched(Nothing)[1].startswith("HEADGATE_CHROMIUM is /nowhere/else")  # type: ignore[arg-type]
