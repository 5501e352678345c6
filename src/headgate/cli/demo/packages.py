"""Installed packages: which ones a requirements file needs, whether they are its versions, and their files."""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from headgate.cli.demo.root import wanted

REQUIREMENT = re.compile(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?([^;]*)(?:;(.*))?")
EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
SCRIPT = """#!/bin/python
import sys
from {} import {}
sys.exit({}())
"""


def differing(requirements: Iterable[str]) -> Iterator[str]:
    """NAME==VERSION that is not what is installed here, and what is."""
    for line in requirements:
        name, _, version, _ = _parts(line)
        here = _found(name)
        if here is None or version != f"=={here.version}":
            yield f"{name}{version} ({here.version if here else 'not installed'} here)"


def needed(requirements: Iterable[str]) -> dict[str, Distribution]:
    """By name, with all that they need in turn. What is not installed is left out: it was for another system."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(requirements)
    while waiting:
        name, extras, _, _ = _parts(waiting.pop())
        package = _found(name)
        if package is None or (name, extras) in seen:
            continue
        seen.add((name, extras))
        found[name] = package
        waiting += [one for one in package.requires or () if _counts(one, extras)]
    return found


def files(package: Distribution) -> Iterator[tuple[Path, Path]]:
    """Where each lies below the folder of packages, and here."""
    for one in package.files or ():
        inside, here = Path(one), Path(str(package.locate_file(one)))
        if ".." not in inside.parts and wanted(inside) and here.is_file():
            yield inside, here


def scripts(package: Distribution) -> Iterator[tuple[str, bytes]]:
    """Its commands, as a Python elsewhere runs them: the ones here begin with a path of this machine."""
    for point in package.entry_points.select(group="console_scripts"):
        top = point.attr.partition(".")[0]
        yield point.name, SCRIPT.format(point.module, top, point.attr).encode()


def _parts(requirement: str) -> tuple[str, frozenset[str], str, str]:
    """Name, extras, versions and condition."""
    match = REQUIREMENT.match(requirement)
    name, extras, version, condition = match.groups() if match else ("", "", "", "")
    wanted_too = frozenset(part.strip().lower() for part in (extras or "").split(",") if part.strip())
    return re.sub(r"[-_.]+", "-", name or "").lower(), wanted_too, (version or "").strip(), condition or ""


def _counts(requirement: str, extras: frozenset[str]) -> bool:
    """Of conditions only extras count; where another one does not hold, the package is usually not here."""
    asked = {name.lower() for name in EXTRA.findall(_parts(requirement)[3])}
    return not asked or bool(asked & extras)


def _found(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except (PackageNotFoundError, ValueError):
        return None
