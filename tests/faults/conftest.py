"""A stage for each test. When one fails its report has the events, the server's last lines and what the load met."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.faults.stage import Stage, staged


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as made:
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    stage = getattr(item, "funcargs", {}).get("stage")
    if report.when == "call" and report.failed and isinstance(stage, Stage):
        report.sections.append(("what happened on the stage", stage.told()))
    return report
