"""Documents that must not fall behind the code: the map, the words, the page limits."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "headgate"
WORDS_PER_PAGE = 550

# The words of the product, in the order a reader needs them.
WORDS = [
    *("application", "service", "release", "source", "integration", "revision", "instance"),
    *("host", "environment"),
    *("build", "runner", "artifact", "finding", "pipeline", "rollout", "strategy"),
    "step",
    *("image", "registry", "infrastructure", "provenance"),
    *(
        "stable",
        "candidate",
        "baseline",
        "weight",
        "bake",
        "gate",
        "check",
        "analysis",
        "measurement",
        "metric",
        "verdict",
    ),
    *("evidence", "margin", "blip", "held", "record", "monitored", "budget", "burn", "alarm", "warm"),
    *("ready", "healthy"),
    *("hotfix", "freeze", "pin"),
    *("advance", "promote", "abort", "rollback", "migration", "level", "horizon", "revert"),
    *("quarantine", "drift", "command", "event", "effect"),
    *("anchor", "archive", "notice"),
    "lease",
]
# Named in the map before its file is written. Empty this once the wiring is there.
ARRIVING = {"bootstrap.py"}


def rooms() -> list[str]:
    """As ARCHITECTURE.md writes them: `model/`, `ports.py`, and the folder of each seam."""
    folders = [path.parent for path in SOURCE.glob("*/__init__.py")]
    seams = [path.parent for path in SOURCE.glob("adapters/*/__init__.py")]
    files = [path for path in [*SOURCE.glob("*.py"), *SOURCE.glob("adapters/*.py")] if path.name != "__init__.py"]
    return sorted([f"{path.name}/" for path in folders + seams] + [path.name for path in files])


def words(path: Path) -> int:
    return len(path.read_text().split())


@pytest.mark.parametrize("room", rooms())
def test_architecture_names_every_room(room: str) -> None:
    assert f"`{room}`" in (ROOT / "ARCHITECTURE.md").read_text()


def test_architecture_names_no_room_that_is_not_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = re.findall(r"^\| `([\w.]+/?)` \|", text, re.MULTILINE)
    assert table, "the table of rooms has changed its form"
    assert [room for room in table if not (SOURCE / room).exists() and room not in ARRIVING] == []


def test_architecture_states_its_invariants() -> None:
    assert (ROOT / "ARCHITECTURE.md").read_text().count("**Invariant:**") >= 5


@pytest.mark.parametrize(("name", "pages"), [("ARCHITECTURE.md", 2), ("CONTRIBUTING.md", 1)])
def test_is_short_enough_to_be_read(name: str, pages: int) -> None:
    assert words(ROOT / name) <= pages * WORDS_PER_PAGE


@pytest.mark.parametrize("path", sorted((ROOT / "docs/adr").glob("*.md")), ids=lambda path: path.name)
def test_a_decision_record_is_half_a_page_with_a_number(path: Path) -> None:
    assert re.match(r"\d{4}-[a-z0-9-]+\.md$", path.name)
    assert words(path) <= WORDS_PER_PAGE / 2 * 1.2


@pytest.mark.parametrize("word", WORDS)
def test_glossary_defines(word: str) -> None:
    assert re.search(rf"^\| {word} \| \S", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)


def test_glossary_defines_nothing_unknown() -> None:
    entries = re.findall(r"^\| (\w+) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    assert entries[0] == "word"
    assert entries[1:] == WORDS


def test_make_has_at_most_eight_targets() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"demo", "test", "check"} <= set(targets)
    assert len(targets) <= 8
