"""Every declared dependency is pinned with hashes, and the lock names no index: the same bytes from any mirror."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
DECLARED = {
    "run.lock": PROJECT["dependencies"],
    "image.lock": [  # of deploy/Dockerfile
        *PROJECT["dependencies"],
        *(one for extra in ("age", "apprise", "aws", "kubernetes") for one in EXTRAS[extra]),
    ],
    "dev.lock": [*PROJECT["dependencies"], *EXTRAS["dev"], *EXTRAS["examples"]],
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: str) -> dict[str, str]:
    """Package -> version, of every entry that carries at least one sha256."""
    text = (ROOT / "requirements" / lock).read_text()
    entry = r"^([\w.-]+)==([^\s;\\]+)[^\n]*\\\n\s+--hash=sha256:[0-9a-f]{64}"
    return {normal(name): version for name, version in re.findall(entry, text, re.MULTILINE)}


@pytest.mark.parametrize("lock", DECLARED)
def test_every_dependency_is_pinned_with_a_hash(lock: str) -> None:
    names = {normal(re.split(r"[<>=!~\[; ]", requirement)[0]) for requirement in DECLARED[lock]} - {"headgate"}
    assert names - pins(lock).keys() == set(), "run `make lock`"


def test_tests_run_with_the_versions_users_run() -> None:
    dev = pins("dev.lock")
    assert {
        name: (version, dev.get(name)) for name, version in pins("run.lock").items() if dev.get(name) != version
    } == {}


@pytest.mark.parametrize("lock", DECLARED)
def test_every_line_is_a_pin_or_its_hash(lock: str) -> None:
    lines = (ROOT / "requirements" / lock).read_text().splitlines()
    assert [line for line in lines if not re.match(r"[\w.-]+==|    --hash=sha256:", line)] == []


def test_the_example_runs_with_the_locked_versions() -> None:
    """The demo starts examples/pcw from the development environment: its own pins must be the same."""
    dev = pins("dev.lock")
    files = sorted((ROOT / "examples").rglob("requirements*.txt"))
    found = [
        pin for path in files for pin in re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)", path.read_text(), re.MULTILINE)
    ]
    assert found
    assert [(name, version) for name, version in found if dev.get(normal(name)) != version] == []
