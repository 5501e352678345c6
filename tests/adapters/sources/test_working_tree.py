"""A folder as it stands: every look is an edit, and what changes there is told, but for what nobody wrote."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headgate.adapters.sources.git.working_tree import WorkingTree
from headgate.ports import AdapterError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path, text in {"web/app.py": "1", "headgate.yaml": "x: 1", ".gitignore": "*.log\n"}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True, timeout=30)
    return tmp_path


async def test_every_look_is_another_edit(tree: Path) -> None:
    source = WorkingTree(tree)
    first, second = await source.resolve("any", "HEAD"), await source.resolve("any", "HEAD")
    assert (first.version, second.version) == ("edit-1", "edit-2")
    assert first.sha != second.sha
    assert len(first.sha) == 40


async def test_it_is_read_as_it_stands(tree: Path) -> None:
    source = WorkingTree(tree)
    assert await source.read_file("any", "0" * 40, "headgate.yaml") == "x: 1"
    (tree / "headgate.yaml").write_text("x: 2")
    assert await source.read_file("any", "0" * 40, "headgate.yaml") == "x: 2"
    assert await source.checkout("any", "0" * 40, tree / "nowhere", ["web", "."]) == {"web": "0" * 40, ".": "0" * 40}
    assert not (tree / "nowhere").exists()


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "missing.yaml"])
async def test_nothing_outside_it_is_read(tree: Path, path: str) -> None:
    with pytest.raises(AdapterError):
        await WorkingTree(tree).read_file("any", "0" * 40, path)


async def test_a_folder_that_is_missing_is_named(tree: Path) -> None:
    with pytest.raises(AdapterError, match="no folder 'api'"):
        await WorkingTree(tree).checkout("any", "0" * 40, tree / "x", ["api"])


async def heard(changes: AsyncIterator[set[Path]], of: str) -> set[str]:
    """Everything up to the change of that file."""
    found: set[str] = set()
    async with asyncio.timeout(20):
        async for paths in changes:
            found |= {str(path) for path in paths}
            if of in found:
                return found
    raise AssertionError(found)


@pytest.mark.parametrize("below", [".", "web"], ids=["the repository", "a folder in it"])
async def test_changes_are_told_but_for_what_nobody_wrote(tree: Path, below: str) -> None:
    changes = WorkingTree(tree / below).changes()
    hearing = asyncio.create_task(heard(changes, "last.py"))
    await asyncio.sleep(0.5)  # until it is watched
    folder = tree / below
    for name in ("own.log", "__pycache__/app.pyc", ".venv/x.py", "node_modules/x.js", "app.py~", ".app.py.swp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    await asyncio.sleep(0.2)
    (folder / "last.py").write_text("2")
    assert await hearing == {"last.py"}
