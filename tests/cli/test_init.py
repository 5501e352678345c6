"""A first file from what a folder holds."""

import os
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from headgate.cli.commands import init as module

PROGRAM = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/healthz')\ndef healthz(): ...\n"


@pytest.fixture
def shop(work: Path) -> Path:
    (work / "web").mkdir()
    (work / "web" / "main.py").write_text(PROGRAM)
    (work / "web" / "requirements.txt").write_text("fastapi\n")
    return work


def test_the_file_is_right_and_the_way_on_is_told(headgate: Run, shop: Path) -> None:
    out = headgate("init").out
    assert [line.split("#")[0].strip() for line in out.splitlines()[2:]] == [
        "headgate serve",
        "headgate apply",
        "headgate release",
    ]
    assert "main:app" in (shop / "headgate.yaml").read_text()
    assert headgate("apply", "--check").out == "headgate.yaml is right (work)\n"


def test_a_file_that_is_there_is_left_alone(headgate: Run, shop: Path) -> None:
    (shop / "headgate.yaml").write_text("mine")
    assert "there is a file already" in headgate("init", code=1).err
    assert (shop / "headgate.yaml").read_text() == "mine"
    assert "main:app" in headgate("init", "--print").out


def test_print_writes_nothing(headgate: Run, shop: Path) -> None:
    assert headgate("init", "--print").out.startswith("# ")
    assert not (shop / "headgate.yaml").exists()


def test_an_empty_folder_gets_a_file_to_fill_in(headgate: Run, work: Path) -> None:
    assert "no program was recognised" in headgate("init").out
    assert headgate("apply", "--check").out


def test_a_folder_that_is_not_there(headgate: Run) -> None:
    assert "no such folder" in headgate("init", "nowhere", code=1).err


def test_only_so_much_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the folder holds: links, pipes, deep and many folders, files without end."""
    monkeypatch.setattr(module, "MOST_FILES", 5)
    for number in range(8):
        (tmp_path / f"{number}.py").write_text("x" * (module.LARGEST + 10))
    (tmp_path / "0.toml").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "0.txt")
    deep = tmp_path / "a/b/c/d/e/f"
    deep.mkdir(parents=True)
    (deep / "main.py").write_text(PROGRAM)
    found = dict(module._texts(tmp_path))
    assert sorted(found) == ["0.py", "1.py", "2.py", "3.py", "4.py"]
    assert {len(text) for text in found.values()} == {module.LARGEST}
