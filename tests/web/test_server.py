"""The token's file and the listening socket."""

import os
import stat
from pathlib import Path

import pytest

from headgate.engine.refusals import AdapterError
from headgate.web import server
from headgate.web.token import token


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_token_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    made = token(tmp_path)
    assert len(made) >= 40
    assert mode(tmp_path / "token") == 0o600
    assert token(tmp_path) == made
    assert os.listdir(tmp_path) == ["token"]


def test_two_folders_have_two_tokens(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    assert token(tmp_path) != token(tmp_path / "one")


def test_a_token_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    made = token(tmp_path)
    (tmp_path / "token").chmod(0o644)
    assert token(tmp_path) == made
    assert mode(tmp_path / "token") == 0o600


def test_an_empty_token_is_none(tmp_path: Path) -> None:
    """An empty file would let everyone in who sends `Bearer `."""
    (tmp_path / "token").write_text("\n")
    assert len(token(tmp_path)) >= 40


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("known to others\n")
    (tmp_path / "token").symlink_to(elsewhere)
    with pytest.raises(OSError, match="token"):
        token(tmp_path)


def test_a_taken_port_is_replaced_where_none_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with server.listen("127.0.0.1", 0) as first:
        taken = first.getsockname()[1]
        monkeypatch.setattr(server, "PORT", taken)
        with server.listen("127.0.0.1", None) as second:
            assert second.getsockname()[1] != taken


def test_a_taken_port_is_refused_where_it_was_asked_for() -> None:
    with server.listen("127.0.0.1", 0) as first:
        taken = first.getsockname()[1]
        with pytest.raises(AdapterError, match=f"127.0.0.1:{taken} .*--port"):
            server.listen("127.0.0.1", taken)


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(AdapterError, match=r"192\.0\.2\.1"):
        server.listen("192.0.2.1", None)
