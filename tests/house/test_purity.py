"""Pure rooms decide without doing: what the import map cannot see, and proof that ruff's bans reach them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE_ROOMS = ("model", "analysis", "decide")
EFFECTFUL = {"open", "print", "input", "breakpoint", "exec", "eval", "compile", "__import__"}
FILES = sorted(path for room in PURE_ROOMS for path in (ROOT / "src/headgate" / room).rglob("*.py"))


def impurities(text: str) -> list[str]:
    nodes = list(ast.walk(ast.parse(text)))
    called = [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    waiting = [type(node).__name__ for node in nodes if isinstance(node, ast.AsyncFunctionDef | ast.Await)]
    shared = [type(node).__name__ for node in nodes if isinstance(node, ast.Global | ast.Nonlocal)]
    return [name for name in called if name in EFFECTFUL] + waiting + shared


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_pure_file_is_pure(path: Path) -> None:
    assert impurities(path.read_text()) == []


@pytest.mark.parametrize("text", ["open('a')", "async def f(): ...", "def f():\n    global x\n    x = 1"])
def test_an_impurity_is_found(text: str) -> None:
    assert impurities(text)


def ruff(room: str, text: str) -> str:
    """What ruff says about `text` if it stood in this room."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise"]
    command += ["--stdin-filename", f"src/headgate/{room}/trespass.py", "-"]
    return subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False).stdout


CLOCK = "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n"


@pytest.mark.parametrize("room", [*PURE_ROOMS, "decide/rules"])
@pytest.mark.parametrize("text", [CLOCK, "import time\n", "import random\n", "from uuid import uuid4\n", "import os\n"])
def test_ruff_bans_clock_ids_and_randomness_in(room: str, text: str) -> None:
    assert "TID251" in ruff(room, text)


@pytest.mark.parametrize("room", ["engine", "adapters/traffic", "store"])
def test_ruff_allows_a_clock_in(room: str) -> None:
    assert "All checks passed" in ruff(room, CLOCK)
