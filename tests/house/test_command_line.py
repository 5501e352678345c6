"""The command line, the HTTP API and their pages say the same: nothing is lost in a merge, nothing is undocumented."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from tests.web.world import PRESENT, TOKEN, shop

from headgate.cli.group import BESIDE, COMMANDS, GROUPS, made
from headgate.web.api import create

DOCS = Path(__file__).parents[2] / "docs"
ALL = "/api/applications"
BELOW = {"Applications": ALL, "Environments": f"{ALL}/{{application}}/environments/{{environment}}"}
# What they print is for people, or is lines or a file already.
WITHOUT_JSON = {"serve", "dev", "spec", "audit export"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_its_page(command: str) -> None:
    assert re.search(rf"`{command}[ `]", (DOCS / "cli.md").read_text())


def test_every_command_of_the_page_is_there() -> None:
    row = r"^\| `([a-z][a-z-]+)[ `]"
    first = set(re.findall(row, (DOCS / "cli.md").read_text(), re.MULTILINE))
    assert first - set(COMMANDS) == set()


def test_every_form_that_is_written_is_reached() -> None:
    assert set(BESIDE) <= set(COMMANDS)
    assert set(GROUPS) <= set(COMMANDS)


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    for name in COMMANDS:
        command = made(name)
        for verb, one in getattr(command, "commands", {}).items():
            yield f"{name} {verb}", one
        if name not in GROUPS:
            yield name, command


def test_what_a_script_would_read_is_there_as_json() -> None:
    silent = {name for name, one in commands() if not any("--json" in option.opts for option in one.params)}
    assert silent == WITHOUT_JSON


def test_the_page_of_the_api_has_every_path_and_no_other(tmp_path: Path) -> None:
    paths = create(shop(tmp_path).engine, TOKEN, PRESENT).openapi()["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    told: set[str] = set()
    for section in re.split(r"^## ", (DOCS / "api.md").read_text(), flags=re.MULTILINE)[1:]:
        below = BELOW.get(section.partition("\n")[0], "")
        for method, path in re.findall(r"^\| `(GET|POST) ([^`]+)` \|", section, re.MULTILINE):
            told.add(f"{method} {below}{path}".removesuffix("/"))
    assert told == served
