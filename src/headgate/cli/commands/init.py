"""headgate init: write a first headgate.yaml from what a folder holds."""

import os
from collections.abc import Iterator
from pathlib import Path

from headgate.cli.failure import Failure
from headgate.cli.output import print_json, say

NAME = "headgate.yaml"
READ = (".py", ".toml", ".txt", ".cfg", ".json")  # endings of files that say what a program is
MOST_FILES = 500
DEEPEST = 4  # folders below the one asked about
LARGEST = 256 << 10  # bytes of one file
SKIPPED = {"node_modules", "site-packages", "venv", "build", "dist", "__pycache__"}


def init(folder: str = ".", only_print: bool = False, as_json: bool = False) -> None:
    from headgate.spec.facts import detect
    from headgate.spec.scaffold import scaffold

    top = Path(os.path.realpath(folder))
    if not top.is_dir():
        raise Failure("there is no such folder", folder, "Name the application's folder.")
    facts = detect(dict(_texts(top)), top.name)
    text = scaffold(facts)
    if only_print:
        print(text, end="")
        return
    path = top / NAME
    _write(path, text)
    if as_json:
        print_json({"file": str(path), "application": facts.application, "services": [p.name for p in facts.programs]})
    else:
        _told(path, [f"{program.name} ({program.origin})" for program in facts.programs])


def _texts(top: Path) -> Iterator[tuple[str, str]]:
    """Path below the folder -> text, of what may say something; links are not followed."""
    left = MOST_FILES
    for where, folders, files in os.walk(top):
        below = os.path.relpath(where, top)
        depth = 0 if below == "." else below.count(os.sep) + 1
        folders[:] = sorted(f for f in folders if depth < DEEPEST and not f.startswith(".") and f not in SKIPPED)
        for name in sorted(files):
            path = Path(where, name)
            if _speaks(path):
                yield path.relative_to(top).as_posix(), _start(path)
                left -= 1
            if not left:
                return


def _speaks(path: Path) -> bool:
    """A plain file that may say something: no link, and no pipe, which would be waited for."""
    named = path.name.endswith(READ) or path.name in ("Dockerfile", "Pipfile", "Procfile")
    return named and path.is_file() and not path.is_symlink()


def _start(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""  # what cannot be read says nothing


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        remedy = "It is left as it is; `headgate init --print` shows what would be written."
        raise Failure("there is a file already", str(path), remedy) from error
    except OSError as error:
        raise Failure(f"the file cannot be written: {error.strerror}", str(path), "Mend that and repeat.") from error


def _told(path: Path, services: list[str]) -> None:
    say(f"{path} is written: {', '.join(services) or 'no program was recognised; say in it what to run'}")
    say("Look through it, commit it, then:")
    say("  headgate serve      # in a terminal of its own")
    say("  headgate apply      # its rules count from now on")
    say("  headgate release    # the current commit sets out")
