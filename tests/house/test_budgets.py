"""Sizes and names: what grows past these is two things that want to be carved apart."""

import ast
import re
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Content:
    functions: tuple[tuple[str, int], ...]  # name, lines
    classes: tuple[str, ...]
    docstring: str


def content(text: str) -> Content:
    module = ast.parse(text)
    nodes = list(ast.walk(module))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return Content(
        tuple((one.name, (one.end_lineno or one.lineno) - one.lineno + 1) for one in functions),
        tuple(node.name for node in nodes if isinstance(node, ast.ClassDef)),
        ast.get_docstring(module) or "",
    )


def vague_classes(found: Content) -> list[str]:
    return [name for name in found.classes if VAGUE_WORDS & set(re.findall(r"[A-Z][a-z0-9]*", name))]


def too_long(found: Content) -> list[str]:
    return [f"{name}: {lines} lines" for name, lines in found.functions if lines > FUNCTION_LINES]


@pytest.fixture(scope="module")
def files() -> dict[str, Content]:
    """Every file of the package. Each test tells all that break its rule."""
    return {str(path.relative_to(SOURCE)): content(path.read_text()) for path in FILES}


def test_every_file_is_short() -> None:
    sizes = {str(path.relative_to(SOURCE)): len(path.read_text().splitlines()) for path in FILES}
    assert {name: lines for name, lines in sizes.items() if lines > FILE_LINES} == {}


def test_no_function_is_over_the_limit(files: dict[str, Content]) -> None:
    assert {name: too_long(found) for name, found in files.items() if too_long(found)} == {}


def test_no_class_is_named_vaguely(files: dict[str, Content]) -> None:
    assert {name: vague_classes(found) for name, found in files.items() if vague_classes(found)} == {}


def test_no_file_is_a_drawer_for_leftovers(files: dict[str, Content]) -> None:
    assert [name for name in files if VAGUE_MODULES & set(Path(name).with_suffix("").parts)] == []


def test_every_file_opens_with_a_docstring_of_at_most_five_lines(files: dict[str, Content]) -> None:
    """It says in one line what the file is."""
    assert [name for name, found in files.items() if not 1 <= len(found.docstring.splitlines()) <= 5] == []


def test_long_functions_are_rare(files: dict[str, Content]) -> None:
    sizes = {f"{name}:{function}": lines for name, found in files.items() for function, lines in found.functions}
    long = {name: size for name, size in sizes.items() if size > LONG_FUNCTION_LINES}
    assert len(long) <= LONG_FUNCTION_SHARE * len(sizes), long


def test_importing_the_package_imports_nothing_else() -> None:
    """`headgate --version` starts here: the package itself must stay free."""
    tree = ast.parse((SOURCE / "__init__.py").read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_the_rules_bite() -> None:
    assert too_long(content("def f():\n" + "    pass\n" * FUNCTION_LINES))
    assert not too_long(content("async def f():\n" + "    pass\n" * (FUNCTION_LINES - 1)))
    vague = content("class RolloutManager: ...\nclass HTTPHandler: ...")
    assert vague_classes(vague) == ["RolloutManager", "HTTPHandler"]
    assert not vague_classes(content("class Database: ...\nclass Handled: ..."))
    assert content("x = 1").docstring == ""
