"""A real process under load gets SIGTERM: every answer that was given is stored."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

from quotes.database import Database

QUOTES_FOLDER = Path(__file__).parents[2] / "services" / "quotes"


def test_everything_answered_before_a_stop_is_stored(tmp_path: Path, motor: dict[str, object]) -> None:
    database_url, port = f"sqlite:///{tmp_path}/pcw.db", free_port()
    # Batches so far apart that only the flush at the stop can have written the rows.
    environment = {**os.environ, "DATABASE_URL": database_url, "FLUSH_INTERVAL_SECONDS": "60"}
    command = [sys.executable, "-m", "uvicorn", "quotes.app:app", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, cwd=QUOTES_FOLDER, env=environment)
    try:
        answered = ask_until_stopped(port, motor, process)
    finally:
        process.terminate()
        process.wait(timeout=10)
    database = Database(database_url, timedelta(seconds=2))
    assert len(answered) >= 5
    assert [id for id in answered if database.read(id) is None] == []


def ask_until_stopped(port: int, enquiry: dict[str, object], process: subprocess.Popen[bytes]) -> list[str]:
    answered: list[str] = []
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/quotes", json.dumps(enquiry).encode(), {"content-type": "application/json"}
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
                answered.append(json.load(reply)["id"])
        except (urllib.error.URLError, ConnectionError):
            if answered:
                return answered
            time.sleep(0.1)
        if len(answered) == 5:
            threading.Timer(0.1, process.terminate).start()
    return answered


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
