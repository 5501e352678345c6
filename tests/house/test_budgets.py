"""Sizes and names: what grows past these is two things that want to be carved apart."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "headgate"
FILE_LINES = 400
FUNCTION_LINES = 60
LONG_FUNCTION_LINES = 30
LONG_FUNCTION_SHARE = 0.05
VAGUE_WORDS = {"Manager", "Helper", "Helpers", "Util", "Utils", "Handler", "Processor", "Base"}
VAGUE_MODULES = {"util", "utils", "helper", "helpers", "common", "misc", "base"}

FILES = sorted(SOURCE.rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(text: str) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, Function))


def lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def vague_classes(text: str) -> list[str]:
    names = (node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef))
    return [name for name in names if VAGUE_WORDS & set(re.findall(r"[A-Z][a-z0-9]*", name))]


def too_long(text: str) -> list[str]:
    return [f"{f.name}: {lines(f)} lines" for f in functions(text) if lines(f) > FUNCTION_LINES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
class TestEveryFile:
    def test_is_short(self, path: Path) -> None:
        assert len(path.read_text().splitlines()) <= FILE_LINES

    def test_has_no_function_over_the_limit(self, path: Path) -> None:
        assert too_long(path.read_text()) == []

    def test_names_no_class_vaguely(self, path: Path) -> None:
        assert vague_classes(path.read_text()) == []

    def test_is_not_a_drawer_for_leftovers(self, path: Path) -> None:
        assert not VAGUE_MODULES & set(path.relative_to(SOURCE).with_suffix("").parts)

    def test_opens_with_a_docstring_of_at_most_five_lines(self, path: Path) -> None:
        docstring = ast.get_docstring(ast.parse(path.read_text()))
        assert docstring, "say in one line what this file is"
        assert len(docstring.splitlines()) <= 5


def test_long_functions_are_rare() -> None:
    sizes = {f"{path.relative_to(SOURCE)}:{f.name}": lines(f) for path in FILES for f in functions(path.read_text())}
    long = {name: size for name, size in sizes.items() if size > LONG_FUNCTION_LINES}
    assert len(long) <= LONG_FUNCTION_SHARE * len(sizes), long


def test_importing_the_package_imports_nothing_else() -> None:
    """`headgate --version` starts here: the package itself must stay free."""
    tree = ast.parse((SOURCE / "__init__.py").read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_the_rules_bite() -> None:
    assert too_long("def f():\n" + "    pass\n" * FUNCTION_LINES)
    assert not too_long("def f():\n" + "    pass\n" * (FUNCTION_LINES - 1))
    assert vague_classes("class RolloutManager: ...\nclass HTTPHandler: ...") == ["RolloutManager", "HTTPHandler"]
    assert not vague_classes("class Database: ...\nclass Handled: ...")
