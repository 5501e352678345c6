"""Which packages a requirements file needs, and what of them an image is given."""

from pathlib import Path

import pytest

from headgate.cli.demo import packages
from headgate.cli.demo.example import find
from headgate.cli.demo.image import requirements


def test_the_example_requires_the_versions_that_are_locked() -> None:
    assert list(packages.differing(requirements(find()))) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [("uvicorn==0.1", "uvicorn==0.1 ("), ("uvicorn>=0.1", "uvicorn>=0.1 ("), ("no-such==1", "no-such==1 (not ins")],
)
def test_others_are_named(line: str, told: str) -> None:
    assert [one.startswith(told) for one in packages.differing([line])] == [True]


def test_what_they_need_in_turn_comes_along() -> None:
    assert {"pydantic", "pydantic-core", "annotated-types"} <= packages.needed(["pydantic==2"]).keys()


def test_extras_count_only_where_they_are_asked_for() -> None:
    assert "psycopg-binary" not in packages.needed(["psycopg==3"])
    assert "psycopg-binary" in packages.needed(["psycopg[binary]==3"])
    assert "pytest" not in packages.needed(requirements(find()))


def test_files_are_those_that_run() -> None:
    inside = {str(path): here for path, here in packages.files(packages.needed(["uvloop"])["uvloop"])}
    assert {"uvloop/__init__.py", "uvloop/loop.pyi"} & inside.keys() == {"uvloop/__init__.py"}
    assert any(path.endswith(".so") for path in inside)
    assert any(path.endswith("METADATA") for path in inside), "by which pip finds that it is there"
    assert all(here.is_file() for here in inside.values())


def test_commands_run_with_the_python_that_is_there() -> None:
    scripts = dict(packages.scripts(packages.needed(["uvicorn"])["uvicorn"]))
    assert scripts["uvicorn"].startswith(b"#!/bin/python\n")
    compile(scripts["uvicorn"], str(Path("uvicorn")), "exec")
