"""The reference file holds every field with its default, and the JSON Schema is what the sections say."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from tests.spec.files import SAMPLE, SMALL, production, service

from headgate.spec.fields import at, bare, fields
from headgate.spec.read import read
from headgate.spec.reference import reference
from headgate.spec.schema import schema
from headgate.spec.sections.file import File
from headgate.spec.sections.section import Section
from headgate.spec.tree import Mapping, Node, Row, Tree

SCHEMA = Path(__file__).parents[2] / "docs" / "schema" / "headgate.schema.json"
TREE: Tree = read(reference(), "reference.yml").tree


def with_ecr() -> str:
    """The reference with the registry that stands in it as a comment, line for line."""
    above, _, rest = reference().partition("  docker:                        # A registry")
    docker, _, rest = rest.partition("# ecr:")
    ecr, _, below = rest.partition("\n\n")
    hidden = "\n".join(f"#{line}" for line in docker.splitlines())
    return f"{above}#{hidden}\n  ecr:" + ecr.replace("\n# ", "\n  ") + f"\n\n{below}"


def sections(section: type[Section] = File) -> Iterator[type[Section]]:
    """Every section of the file, from the sections themselves."""
    yield section
    for field in fields(section):
        kind = at(section, (field,))
        while getattr(kind, "__origin__", None) in (dict, list):
            kind = bare(kind.__args__[-1])
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from sections(kind)


EVERY_FIELD = sorted({(section.__name__, field) for section in sections() for field in fields(section)})


def written(node: Node, path: tuple[str | int, ...] = ()) -> Iterator[tuple[type[Section], str, int, Node]]:
    """Section, field, line and value of everything that stands in the reference file."""
    kind = at(File, path)
    for part, below in node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, Row) else ():
        if isinstance(node, Mapping) and isinstance(kind, type) and issubclass(kind, Section):
            yield kind, str(part), node.keys_at[str(part)].line, below
        yield from written(below, (*path, part))


WRITTEN = [*written(TREE.root), *written(read(with_ecr(), "reference.yml").tree.root)]


def test_the_walk_finds_sections_of_every_depth() -> None:
    names = {name for name, _ in EVERY_FIELD}
    assert {"File", "ServiceSection", "HealthSection", "ValueSection", "LoadSection", "WebhookSection"} <= names
    assert {"AudienceSection", "ErrorsSection", "DeadlinesSection", "CiSection"} <= names


@pytest.mark.parametrize(("section", "field"), EVERY_FIELD, ids=str)
def test_every_field_stands_in_the_reference(section: str, field: str) -> None:
    assert (section, field) in {(kind.__name__, name) for kind, name, _, _ in WRITTEN}


def comment(line: int) -> str:
    """The comment behind a field, with the lines of nothing but comment that go on from it."""
    lines = reference().splitlines()
    own = lines[line - 1].partition("  # ")[2]
    after = line
    while after < len(lines) and re.match(r" {20,}#", lines[after]):
        own += " " + lines[after].strip().removeprefix("# ")
        after += 1
    return own


def plain_default(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace("'", "")


def test_every_default_is_told_as_it_is() -> None:
    told: dict[tuple[str, str], list[str]] = {}
    for kind, name, line, _ in WRITTEN:
        told.setdefault((kind.__name__, name), []).append(comment(line))
    for kind in sections():
        for name, field in fields(kind).items():
            if field.is_required() or field.default is None or field.default_factory is not None:
                continue
            expected = f"Default: {plain_default(field.default)}."
            assert any(expected in comment for comment in told[kind.__name__, name]), (
                f"{kind.__name__}.{name}: {expected}"
            )


def test_a_field_that_may_be_left_out_is_told_to_be() -> None:
    """But not where one field of several is written: there the section says so."""
    choices = {"CheckSection", "GateSection", "MetricsSection", "PlatformSection", "RegistrySection"}
    choices |= {"NotificationSection"}
    choices |= {"StrategySection", "TrafficSection", "ValueSection"}
    for kind in (section for section in sections() if section.__name__ not in choices):
        for name in (name for name, field in fields(kind).items() if field.default is None and name != "image"):
            told = " ".join(comment(line) for section, field, line, _ in WRITTEN if (section, field) == (kind, name))
            assert re.search("Optional|Default", told), f"{kind.__name__}.{name}: {told}"


VALIDATOR = Draft202012Validator(schema())


def loaded(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_the_committed_schema_is_current() -> None:
    assert json.loads(SCHEMA.read_text()) == schema(), "write it again: `python -m headgate.spec.schema`"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("text", [reference(), SAMPLE, SMALL], ids=["reference", "sample", "small"])
def test_good_files_fit_the_schema(text: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(loaded(text))] == []


@pytest.mark.parametrize(
    "text",
    [
        SMALL.replace("application", "aplication"),
        SMALL.replace("shop", "Shop"),
        SMALL.replace("8000", "0"),
        SMALL.replace("web:", "Web:"),
        SMALL.replace("platform: process", ""),
        production("bake: 30"),
        production("after: "),
        production("strategy: canari"),
        production("strategy: {canary: {}, blue-green: {}}"),
        production("strategy: {canary: {steps: [0]}}"),
        production("gates: [{}]"),
        production("analysis: {errors: {worse_by: 1%}}"),
        service("env: {A: {secret: a, terraform: b}}"),
        service("env: {A: [b]}"),
    ],
)
def test_bad_files_do_not_fit_the_schema(text: str) -> None:
    assert not VALIDATOR.is_valid(loaded(text))


def test_nothing_in_the_schema_is_null_or_named_by_pydantic() -> None:
    text = json.dumps(schema())
    assert '"null"' not in text
    assert '": null' not in text
