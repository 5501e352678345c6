"""Anchors outside: whoever cuts the end of the log and mends its own anchor is still found."""

import asyncio
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headgate.ports import LogDamaged, LogUnavailable
from headgate.store.anchor import write_anchor
from headgate.store.chain import START, Link
from headgate.store.outposts import Outposts, kept, read
from headgate.store.verify import verify


@pytest.fixture
async def outside(written: Path, tmp_path: Path) -> Path:
    file = tmp_path / "anchors"
    await Outposts([str(file)], lambda: verify(written).head).tell()
    return file


async def test_a_cut_tail_is_found_whatever_the_log_s_own_anchor_says(
    written: Path, outside: Path, tamper: Callable[..., None]
) -> None:
    assert verify(written, read(outside)).ok
    tamper("DELETE FROM events WHERE position > 9")
    write_anchor(written, verify(written).head)
    assert verify(written).ok, "nothing inside shows it"
    assert "the log ends at 9, the anchor says 12" in str(verify(written, read(outside)).problem)


async def test_a_log_that_was_written_anew(written: Path, outside: Path) -> None:
    found = verify(written, [*read(outside), Link(5, "0" * 64)])
    assert found.position == 5
    assert "not the one that an anchor outside names" in str(found.problem)


async def test_written_at_the_start_and_at_the_end(tmp_path: Path) -> None:
    head, file = [START], tmp_path / "anchors"
    async with kept([str(file)], lambda: head[-1]):
        async with asyncio.timeout(5):
            while not file.exists() or not file.read_text():
                await asyncio.sleep(0.005)
        head.append(Link(7, "a" * 64))
    assert read(file) == [START, Link(7, "a" * 64)]


async def test_the_same_end_is_written_once(tmp_path: Path) -> None:
    outposts = Outposts([str(tmp_path / "anchors")], lambda: Link(7, "a" * 64))
    await outposts.tell()
    await outposts.tell()
    assert len(read(tmp_path / "anchors")) == 1


async def test_a_place_that_is_away_holds_nobody_up_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = "http://user:hunter2@127.0.0.1:1/hook?token=hunter2"
    outposts = Outposts([away, str(tmp_path / "none" / "x"), str(tmp_path / "anchors")], lambda: Link(7, "a" * 64))
    await outposts.tell()
    assert len(caplog.records) == 2
    assert "hunter2" not in caplog.text
    assert read(tmp_path / "anchors") == [Link(7, "a" * 64)]
    (tmp_path / "none").mkdir()
    await outposts.tell()
    assert read(tmp_path / "none" / "x") == [Link(7, "a" * 64)]


@pytest.fixture
def posted() -> Iterator[tuple[str, list[bytes], list[int]]]:
    got: list[bytes] = []
    status = [204]

    class Taker(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status[0])
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/anchors", got, status
    server.shutdown()
    thread.join()
    server.server_close()


async def test_posted(posted: tuple[str, list[bytes], list[int]]) -> None:
    address, got, _ = posted
    await Outposts([address], lambda: Link(7, "a" * 64)).tell()
    assert {"position": 7, "hash": "a" * 64}.items() <= json.loads(got[0]).items()


@pytest.mark.parametrize("status", [302, 403, 500])
async def test_a_refusal_is_no_yes(
    posted: tuple[str, list[bytes], list[int]], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    address, got, answers = posted
    answers[0] = status
    outposts = Outposts([address], lambda: Link(7, "a" * 64))
    await outposts.tell()
    assert f"HTTP status {status}" in caplog.text
    await outposts.tell()
    assert len(got) == 2


@pytest.mark.parametrize("content", ["{}", "[]", "null1", '{"position": "x", "hash": 1}', "\x00", "[" * 100_000])
def test_anchors_that_make_no_sense_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "anchors").write_text(f'{{"position": 1, "hash": "a"}}\n{content}\n')
    with pytest.raises(LogDamaged, match="line 2 of the anchors"):
        read(tmp_path / "anchors")


def test_anchors_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="cannot be read"):
        read(tmp_path / "none")
