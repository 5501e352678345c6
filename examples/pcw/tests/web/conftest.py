"""A real quotes process for the pages to call, and one that misbehaves on request."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from web.application import create_app
from web.settings import Settings

QUOTES_FOLDER = Path(__file__).parents[2] / "services" / "quotes"


@pytest.fixture(scope="session")
def quotes_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "quotes.app:app", "--host", "127.0.0.1", "--port", str(port)],
        cwd=QUOTES_FOLDER,
        env={**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('data')}/pcw.db"},
    )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture
def web(quotes_url: str) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(quotes_url, release="rel_test", revision="rev_test"))) as client:
        yield client


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    pytest.fail(f"quotes was not ready within 20 s at {url}")
