"""Check `browser`: functions test_NAME(page) of a script, each with a fresh visitor in headless Chromium.

Of one that fails a screenshot and a trace are kept: `playwright show-trace NAME.zip`.
"""

import asyncio
import inspect
import os
import re
import runpy
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.adapters.machine.checks.found import Found, answer, base_url, say
from headgate.adapters.quoted import short
from headgate.model.checks import Job

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

NAMED = "HEADGATE_CHROMIUM"  # a variable of the server's: the program, where it is none of these
# Where Debian, Ubuntu, Fedora and Google put it.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
NO_PLAYWRIGHT = "it needs Playwright: `pip install 'headgate[browser]'` where the Headgate server runs"
NO_CHROMIUM = (
    "it needs Chromium, and there is none: `apt-get install chromium` or `playwright install chromium` "
    f"where the Headgate server runs, or set {NAMED} to its path"
)
GIVEN = ("page", "context", "base_url")
STEP = 10_000  # milliseconds that one step on a page may take, unless the script says otherwise
LONGEST = 300  # characters of a reason

Test = Callable[..., Any]


async def look(job: Job) -> Found:
    return await asyncio.to_thread(walked, job)  # a script is not asynchronous


def walked(job: Job) -> Found:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return Found(False, NO_PLAYWRIGHT)
    base = base_url(job, "")
    tests, wrong = named(Path(job.check.script))
    if wrong:
        return Found(False, wrong)
    with sync_playwright() as playwright:
        browser, wrong = launched(playwright)
        if browser is None:
            return Found(False, wrong)
        tried_all = {name: tried(browser, base, name, test) for name, test in tests.items()}
        return judged(browser.version, {name: reason for name, reason in tried_all.items() if reason}, len(tests))


def judged(version: str, failures: dict[str, str], count: int) -> Found:
    numbers = {"tests": float(count), "failed": float(len(failures))}
    tests, where = f"{count} test{'s' if count > 1 else ''}", f"in Chromium {version.partition('.')[0]}"
    if not failures:
        return Found(True, f"{tests} passed {where}", numbers)
    first, reason = next(iter(failures.items()))
    return Found(False, f"{len(failures)} of {tests} failed {where}: {first}: {reason}", numbers)


def named(script: Path) -> tuple[dict[str, Test], str]:
    """The tests of a script, in its order; or what is wrong with it."""
    if not script.is_file():
        return {}, f"the release has no file {script}"
    sys.path.insert(0, str(script.resolve().parent))
    try:
        found = runpy.run_path(str(script))
    except BaseException as error:  # noqa: BLE001 - whatever the script does is told
        traceback.print_exc(file=sys.stdout)
        return {}, f"{script} cannot be read: {told(error)}"
    functions: dict[str, Test] = {name: one for name, one in found.items() if inspect.isfunction(one)}
    tests = {name: one for name, one in functions.items() if name.startswith("test_")}
    wrong = filter(None, (unusable(name, test) for name, test in tests.items()))
    return tests, next(wrong, "") if tests else f"{script} has no function test_NAME(page)"


def unusable(name: str, test: Test) -> str:
    """A coroutine that nobody awaits would pass without having run."""
    if inspect.iscoroutinefunction(test) or inspect.isgeneratorfunction(test) or inspect.isasyncgenfunction(test):
        return f"{name} is no plain function: write `def {name}(page)`, as in Playwright's sync API"
    wanted = [one for one in inspect.signature(test).parameters if one not in GIVEN]
    return f"{name} wants {wanted[0]}: a test is given {', '.join(GIVEN)}, as far as it names them" if wanted else ""


def launched(playwright: "Playwright") -> tuple["Browser | None", str]:
    """Chromium of this machine, or Playwright's own."""
    from playwright.sync_api import Error

    own = playwright.chromium.executable_path
    installed = next(filter(None, map(shutil.which, PROGRAMS)), own if os.path.exists(own) else None)
    program = os.environ.get(NAMED) or installed
    if program is None:
        return None, NO_CHROMIUM
    if shutil.which(program) is None:
        return None, f"{NAMED} is {program}, and there is no such program: correct it, or unset it"
    try:
        # Its sandbox refuses to start as root. Containers often have a /dev/shm that is too small for it.
        sandbox, shared = os.geteuid() != 0, ["--disable-dev-shm-usage"]
        return playwright.chromium.launch(executable_path=program, chromium_sandbox=sandbox, args=shared), ""
    except Error as error:
        say(str(error))
        return None, f"{program} does not start: {told(error)}"


def tried(browser: "Browser", base: str, name: str, test: Test) -> str:
    """Why it failed; nothing where it passed."""
    context = browser.new_context(base_url=base)
    try:
        context.set_default_timeout(STEP)
        context.tracing.start(screenshots=True, snapshots=True)
        page = context.new_page()
        listen(page)
        given = {"page": page, "context": context, "base_url": base}
        return ran(name, test, {one: given[one] for one in inspect.signature(test).parameters}, context, page)
    finally:
        context.close()


def ran(name: str, test: Test, given: dict[str, Any], context: "BrowserContext", page: "Page") -> str:
    try:
        test(**given)
    except BaseException as error:  # noqa: BLE001 - whatever the script does is a failed test
        traceback.print_exc(file=sys.stdout)
        keep(context, page, name)
        return told(error)
    say(f"{name} passed")
    return ""


def listen(page: "Page") -> None:
    """What the page itself says and what it could not load, in the check's log."""
    page.on("console", lambda one: say(f"  {one.type}: {short(one.text, LONGEST)}"))
    page.on("pageerror", lambda one: say(f"  error in the page: {short(str(one), LONGEST)}"))
    page.on("requestfailed", lambda one: say(f"  {one.method} {short(one.url)}: {short(one.failure or 'failed')}"))


def keep(context: "BrowserContext", page: "Page", name: str) -> None:
    from playwright.sync_api import Error

    folder = Path(os.environ["HEADGATE_KEPT"])
    shown: tuple[tuple[str, Callable[[], object]], ...] = (
        ("screenshot", lambda: page.screenshot(path=folder / f"{name}.png", full_page=True)),
        ("trace", lambda: context.tracing.stop(path=folder / f"{name}.zip")),
    )
    for what, take in shown:
        try:
            take()
        except (Error, OSError) as error:
            say(f"no {what} of {name}: {told(error)}")


def told(error: BaseException) -> str:
    """What it says as one line, with what Playwright waited for, free of what a terminal would obey."""
    said, _, calls = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).partition("Call log:")
    waited = next((line.strip().removeprefix("- ") for line in calls.splitlines() if line.strip()), "")
    words = " ".join([*said.split(), *([f"({waited})"] if waited else [])])
    return short(f"{type(error).__name__}: {words}" if words else type(error).__name__, LONGEST)


if __name__ == "__main__":
    answer(look)
