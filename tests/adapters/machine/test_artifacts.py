"""What is kept of a check shows no secret: in its texts, and in the texts of its archives."""

import stat
import zipfile
from pathlib import Path

import pytest

from headgate.adapters.machine.artifacts import hide

SECRET = "correct-horse-battery"
PICTURE = b"\x89PNG\0" + SECRET.encode()


def packed(path: Path, **texts: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, text in texts.items():
            made.writestr(name, text)
    return path


def texts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as made:
        return {name: made.read(name) for name in made.namelist()}


def test_of_a_text_only_what_is_secret_is_hidden(tmp_path: Path) -> None:
    kept = tmp_path / "deep" / "report.txt"
    kept.parent.mkdir()
    before = (b"a line " * 10_000 + b"\n") * 30 + f"password={SECRET}\r\nlast".encode()
    kept.write_bytes(before)
    hide(tmp_path, [SECRET])
    assert kept.read_bytes() == before.replace(SECRET.encode(), b"***")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["report.txt"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_private_key_is_hidden_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x\n-----BEGIN PRIVATE" " KEY-----\nMIIE\n-----END PRIVATE KEY-----\ny\n")
    hide(tmp_path, [])
    assert (tmp_path / "out").read_text() == "x\n***\n***\n***\ny\n"


def test_of_a_trace_the_texts_are_hidden_and_the_pictures_stay(tmp_path: Path) -> None:
    trace = packed(
        tmp_path / "test_buy.zip", network=f'{{"token": "{SECRET}"}}'.encode(), page=PICTURE, other=b"as it is"
    )
    hide(tmp_path, [SECRET])
    assert texts(trace) == {"network": b'{"token": "***"}', "page": PICTURE, "other": b"as it is"}
    assert [path.name for path in tmp_path.iterdir()] == ["test_buy.zip"]


def test_an_archive_without_secrets_stays_as_it_is(tmp_path: Path) -> None:
    trace = packed(tmp_path / "test_buy.zip", page=b"as it is")
    before = trace.read_bytes()
    hide(tmp_path, [SECRET])
    assert trace.read_bytes() == before


def test_an_archive_that_cannot_be_looked_into_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = packed(tmp_path / "large.zip", page=SECRET.encode() * 10)
    broken = packed(tmp_path / "broken.zip", page=SECRET.encode() * 10)
    broken.write_bytes(
        broken.read_bytes().replace(SECRET.encode(), SECRET.encode().upper(), 1)
    )  # its checksum is wrong
    monkeypatch.setattr("headgate.adapters.machine.artifacts.LARGEST_ARCHIVE", 205)
    hide(tmp_path, [SECRET])
    assert "large.zip is not kept" in large.read_text()
    assert "broken.zip is not kept" in broken.read_text()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside, kept = tmp_path / "outside", tmp_path / "kept"
    kept.mkdir()
    outside.write_text(SECRET)
    (kept / "link").symlink_to(outside)
    hide(kept, [SECRET])
    assert outside.read_text() == SECRET
