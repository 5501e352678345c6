"""The bench on which checks run as processes of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.adapters.machine.checked import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.jobs.close()
    await made.prober.close()
