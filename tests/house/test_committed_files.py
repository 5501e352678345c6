"""What is committed works on any machine: no path of one machine, no package index, no secrets by accident."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Character classes keep these patterns from finding themselves.
MACHINE_PATHS = re.compile(
    r"(?<![\w.])/(?:wo[r]k|fa[r]m|ro[o]t|ho[m]e/\w+|Us[e]rs/\w+|op[t]/(?:pyp[i]|whee[l]s))/[\w.]"
)
PACKAGE_INDEXES = re.compile(r"pyp[i]\.org|pythonhos[t]ed\.org|registry\.np[m]js\.org")
PRIVATE_KEYS = re.compile(r"-----BEGI[N] (?:[A-Z]+ )?PRIVATE KEY-----|\bAKI[A][0-9A-Z]{16}\b")


def committed() -> list[tuple[str, str]]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    paths = (ROOT / name for name in listing.stdout.split("\0") if name)
    return [(str(path.relative_to(ROOT)), path.read_text(errors="replace")) for path in paths if path.is_file()]


def places(pattern: re.Pattern[str]) -> list[str]:
    """file:line of every match in what is committed."""
    lines = ((name, number, line) for name, text in committed() for number, line in enumerate(text.splitlines(), 1))
    return [f"{name}:{number}: {line.strip()[:80]}" for name, number, line in lines if pattern.search(line)]


@pytest.mark.parametrize("pattern", [MACHINE_PATHS, PACKAGE_INDEXES, PRIVATE_KEYS], ids=["paths", "indexes", "keys"])
def test_nothing_committed_names(pattern: re.Pattern[str]) -> None:
    assert places(pattern) == []


def test_nothing_committed_names_this_checkout() -> None:
    assert places(re.compile(re.escape(f"{ROOT}/"))) == []


@pytest.mark.parametrize("line", ["cd ~work/main", "see ~home/ann/notes", "~root/.config"])
def test_a_machine_path_is_found(line: str) -> None:
    assert MACHINE_PATHS.search(line.replace("~", "/"))


@pytest.mark.parametrize("line", ["~workers/1", "https:~~example.com~work/1", "~usr/sbin/nginx"])
def test_other_paths_are_not(line: str) -> None:
    assert not MACHINE_PATHS.search(line.replace("~", "/"))
