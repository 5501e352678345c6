"""The pre-commit hook: installed where git looks for it, never over somebody else's."""

import os
import shlex
import sys
from pathlib import Path

from headgate.cli.failure import Failure
from headgate.cli.lint.tree import git

MARK = "# headgate lint --install-hook wrote this"
SNIPPET = """\
# .pre-commit-config.yaml, for who uses pre-commit instead:
repos:
  - repo: local
    hooks:
      - id: headgate-lint
        name: secrets and values of one environment
        entry: headgate lint --staged
        language: system
        pass_filenames: false
"""


def text() -> str:
    here = shlex.quote(str(Path(sys.argv[0]).absolute())) if os.path.basename(sys.argv[0]) == "headgate" else "headgate"
    return (
        f"#!/bin/sh\n{MARK}; `git commit --no-verify` passes it by once.\n"
        f"command -v headgate >/dev/null 2>&1 && exec headgate lint --staged\n"
        f"exec {here} lint --staged\n"
    )


def install(root: Path) -> Path:
    """Returns where it is. Raises Failure."""
    folder = _folder(root)
    path = folder / "pre-commit"
    if os.path.lexists(path) and not _ours(path):
        remedy = f"Add `headgate lint --staged` to it yourself, or use pre-commit:\n{SNIPPET}"
        raise Failure("there is a pre-commit hook already that is somebody else's", str(path), remedy)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"pre-commit.{os.getpid()}")
        beside.write_text(text())
        beside.chmod(0o755)
        beside.replace(path)
    except OSError as error:
        raise Failure(f"the hook cannot be written: {error.strerror}", str(path), "Mend what it says.") from error
    return path


def _folder(root: Path) -> Path:
    """core.hooksPath and linked work trees are git's business: it says where."""
    said = git("rev-parse", "--path-format=absolute", "--git-path", "hooks", folder=str(root))
    common = git("rev-parse", "--path-format=absolute", "--git-common-dir", folder=str(root))
    if said is None or common is None:
        raise Failure("git cannot say where its hooks are", str(root), "It needs git 2.31 or newer.")
    folder, inside = (Path(os.path.realpath(os.fsdecode(one).rstrip("\n"))) for one in (said, common))
    if inside not in (folder, *folder.parents) and Path(os.path.realpath(root)) not in folder.parents:
        remedy = "Other repositories share that folder: add `headgate lint --staged` there yourself, or use pre-commit."
        raise Failure("core.hooksPath leads out of this repository", str(folder), remedy)
    return folder


def _ours(path: Path) -> bool:
    try:
        return not path.is_symlink() and MARK in path.read_text(errors="replace")
    except OSError:
        return False
