"""One real database file per test; services started in-process through their lifespans."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from quotes.application import create_app
from quotes.settings import Settings


@pytest.fixture
def quotes_settings(tmp_path: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{tmp_path}/pcw.db", release="rel_test", revision="rev_test")


@pytest.fixture
def quotes(quotes_settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(quotes_settings), raise_server_exceptions=False) as client:
        yield client
