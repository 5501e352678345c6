"""The load generator against a server of the test's own: rate, cookies, what counts as failed, and that it ends."""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from headgate.cli.demo.answers import read
from headgate.cli.demo.traffic import Traffic

pytestmark = pytest.mark.real  # a process that sends for seconds


class Site(BaseHTTPRequestHandler):
    """Gives every new visitor a name; fails or dawdles where its server says so."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers.get("Cookie"), self.client_address))
        time.sleep(self.server.dawdles)
        self.send_response(self.server.status)
        if not self.headers.get("Cookie"):
            self.send_header("Set-Cookie", f"headgate-visitor={len(self.server.seen)}; Path=/; HttpOnly")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_POST(self) -> None:
        assert self.rfile.read(int(self.headers["Content-Length"])) in (b'{"kind":"motor"}', b'{"kind":"home"}')
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.seen, server.status, server.dawdles = [], 200, 0.0
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def traffic(site: ThreadingHTTPServer, tmp_path: Path) -> Iterator[Traffic]:
    enquiries = tmp_path / "enquiries.jsonl"
    enquiries.write_text('{"kind":"motor"}\n{"kind":"home"}\n')
    made = Traffic(f"http://127.0.0.1:{site.server_port}", enquiries, tmp_path)
    yield made
    made.stop()


def test_it_sends_at_its_rate_and_records_every_answer(site: ThreadingHTTPServer, traffic: Traffic) -> None:
    traffic.start(100, seconds=2)
    traffic.wait()
    answers = read(traffic.record)
    assert len(answers) == 200
    assert len(site.seen) == 200
    assert sum(one.answered for one in traffic.figures) == 200
    assert answers[-1].at - answers[0].at == pytest.approx(1.99, abs=0.01), "due at a constant rate"
    pages = Counter(path for path, _, _ in site.seen)
    assert set(pages) == {"/", "/motor", "/api/quotes"}
    assert pages["/api/quotes"] > 120, "the most are enquiries"


def test_visitors_come_back_with_their_cookie_over_connections_kept_open(
    site: ThreadingHTTPServer, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate.cli.demo.traffic.VISITORS", 5)
    traffic.start(50, seconds=2)
    traffic.wait()
    cookies = Counter(cookie for _, cookie, _ in site.seen)
    assert cookies[None] <= 15, "five visitors, each new once, but for requests that left together"
    assert len(cookies) <= 20
    assert len({address for _, _, address in site.seen}) < 30, "connections are used again"


def test_latency_counts_from_when_a_request_was_due(site: ThreadingHTTPServer, traffic: Traffic) -> None:
    site.dawdles = 0.2
    traffic.start(20, seconds=1)
    traffic.wait()
    assert all(answer.ms >= 200 for answer in read(traffic.record))


def test_failures_are_told_apart(site: ThreadingHTTPServer, traffic: Traffic) -> None:
    site.status = 503
    traffic.start(20, seconds=1)
    traffic.wait()
    assert {(answer.status, answer.error) for answer in read(traffic.record)} == {(503, "")}
    assert sum(one.bad for one in traffic.figures) == 20


def test_no_server_is_no_answer(traffic: Traffic, site: ThreadingHTTPServer) -> None:
    site.shutdown()
    site.server_close()
    traffic.start(20, seconds=1)
    traffic.wait()
    answers = read(traffic.record)
    assert len(answers) == 20
    assert all(answer.bad and answer.status == 0 and answer.error for answer in answers)


def test_it_stops_when_told_and_what_is_under_way_is_answered(site: ThreadingHTTPServer, traffic: Traffic) -> None:
    site.dawdles = 0.3
    traffic.start(20, seconds=60)
    time.sleep(1.5)
    traffic.stop()
    answers = read(traffic.record)
    assert 5 < len(answers) < 60
    assert not any(answer.bad for answer in answers)


def test_it_ends_when_the_demo_is_killed(site: ThreadingHTTPServer, tmp_path: Path) -> None:
    """The demo holds its stdin: a kill closes it."""
    enquiries = tmp_path / "enquiries.jsonl"
    enquiries.write_text('{"kind":"motor"}\n')
    command = [sys.executable, "-m", "headgate.cli.demo.load", "--address", f"http://127.0.0.1:{site.server_port}"]
    command += ["--enquiries", str(enquiries), "--record", str(tmp_path / "a.csv"), "--seconds", "60", "--rate", "20"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(10) == 0
