"""The smoke probe: every service answers on its base URL and health path, with a status below 400."""

import asyncio
from datetime import timedelta

from headgate.adapters.machine.readiness import Prober
from headgate.model.checks import Job

ATTEMPTS = 5
FIRST_PAUSE = 0.1  # seconds, doubling: 1.5 s in all
ONE_ANSWER = timedelta(seconds=5)


async def smoke(prober: Prober, job: Job) -> tuple[bool, str]:
    """Whether it passed, and one sentence about it."""
    if not job.services:
        return False, "there is no service to probe"
    urls = {name: address(base, job.health_paths.get(name, "/")) for name, base in job.services.items()}
    try:
        async with asyncio.timeout(job.check.timeout.total_seconds()):
            wrongs = await asyncio.gather(*(insist(prober, url) for url in urls.values()))
    except TimeoutError:
        return False, f"not all of {', '.join(urls)} answered within {job.check.timeout.total_seconds():g} s"
    failed = [f"{name}: GET {url} {wrong}" for (name, url), wrong in zip(urls.items(), wrongs, strict=True) if wrong]
    if failed:
        return False, f"{'; '.join(failed)} ({ATTEMPTS} attempts)"
    return True, f"{', '.join(urls)} answered"


async def insist(prober: Prober, url: str) -> str | None:
    wrong = await prober.ask(url, ONE_ANSWER)
    for attempt in range(ATTEMPTS - 1):
        if wrong is None:
            break
        await asyncio.sleep(FIRST_PAUSE * 2**attempt)
        wrong = await prober.ask(url, ONE_ANSWER)
    return wrong


def address(base: str, path: str) -> str:
    return f"{base.rstrip('/')}/{path.lstrip('/')}"
