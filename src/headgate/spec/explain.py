"""What pydantic says is wrong, in the words of the file: where, what was found, what is allowed, what to do."""

from difflib import get_close_matches
from typing import Any, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from headgate.spec.fields import at, fields
from headgate.spec.problems import Path, Problem
from headgate.spec.sections.file import File
from headgate.spec.sections.section import Section
from headgate.spec.tree import Tree

KEY = "[key]"  # how pydantic marks a mapping's key


def explain(error: ValidationError, tree: Tree) -> list[Problem]:
    return [_problem(details, tree) for details in error.errors(include_url=False)]


def _problem(details: ErrorDetails, tree: Tree) -> Problem:
    path: Path = details["loc"]
    context: dict[str, Any] = details.get("ctx", {})
    if _is_of_key(path):
        return tree.problem(path[:-1], tree.key(path[:-1]), context["allowed"], context["remedy"], key=True)
    match details["type"]:
        case "unsuitable":
            place = (*path, *context["at"])
            return tree.problem(place, tree.found(place), context["allowed"], context["remedy"])
        case "extra_forbidden":
            return _unknown_field(path, tree)
        case "missing":
            return _missing_field(path, tree)
        case "too_short":
            return tree.problem(path, tree.found(path), "at least one", "Write at least one, or remove the field.")
        case "list_type":
            return tree.problem(path, tree.found(path), "a list", "Write [ONE, ANOTHER], or `- ONE` on a line each.")
        case _:
            return _no_mapping(path, tree)


def _is_of_key(path: Path) -> bool:
    """By the type above it too: a user may call something `[key]`."""
    return len(path) > 1 and path[-1] == KEY and get_origin(at(File, path[:-2])) is dict


def _unknown_field(path: Path, tree: Tree) -> Problem:
    *above, name = path
    known = list(fields(at(File, tuple(above))))
    close = get_close_matches(str(name), known, 1)
    if name == "<<":
        remedy = "YAML 1.2 has no merge keys: repeat the fields, or alias the whole mapping."
    else:
        remedy = f"Did you mean {close[0]}?" if close else "Remove it."
    return tree.problem(path, tree.key(path), ", ".join(known) or "no fields", remedy, key=True)


def _missing_field(path: Path, tree: Tree) -> Problem:
    *above, name = path
    field = fields(at(File, tuple(above)))[str(name)]
    description = (field.description or "").rstrip(".")
    example = next(iter(field.examples or []), "...")
    allowed = f"{name}, which is required ({description[0].lower()}{description[1:]})"
    return tree.problem(path, "nothing", allowed, f"Add `{name}: {example}`.")


def _no_mapping(path: Path, tree: Tree) -> Problem:
    kind = at(File, path)
    if isinstance(kind, type) and issubclass(kind, Section):
        allowed = "a mapping of " + (", ".join(fields(kind)) or "no fields")
        optional = not any(field.is_required() for field in fields(kind).values())
        remedy = "Write {} for the defaults, or `FIELD: VALUE`." if optional else "Write `FIELD: VALUE` on lines below."
    else:
        allowed, remedy = "a mapping of NAME: VALUE", "Write `NAME: VALUE` on indented lines below."
    return tree.problem(path, tree.found(path), allowed, remedy)
