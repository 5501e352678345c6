"""examples/pcw as a repository of its own: found, copied, and changed the way a developer changes it."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

from headgate.cli.demo.waits import contained, shortened
from headgate.cli.failure import Failure

FILE = "headgate.yaml"
AUTHOR = ("-c", "user.name=A Developer", "-c", "user.email=developer@example.com")
GIT_SECONDS = 60.0
# A developer's own settings (signing, hooks, templates) are no part of this.
PLAIN_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


@dataclass(frozen=True, slots=True)
class Version:
    label: str  # also its git tag
    subject: str  # of its commit
    nature: str  # what it is like, for people who watch
    patch: str = ""


@dataclass(frozen=True, slots=True)
class Supply:
    """Where containers have their images from."""

    base: str  # the Dockerfiles' argument
    registry: str  # its address
    prefix: str  # of the names there


FIRST = Version("v1", "The price comparison", "what users have today")
MONTHLY = Version("v2", "Show the price of twelve instalments", "a sound feature", "2-monthly-price.patch")
TYPICAL = Version(
    "v3",
    "Compare with what people typically pay",
    "a feature that fails for some customers only, and whose tests all pass",
    "3-typical-price.patch",
)
AT_ONCE = Version(
    "v4",
    "Let the address of a quote work at once",
    "a feature that makes every answer slower and fails nobody",
    "4-address-works-at-once.patch",
)
VERSIONS = (FIRST, MONTHLY, TYPICAL, AT_ONCE)


def find() -> Path:
    """The folder examples/pcw of the clone that this file is part of. Raises Failure where it or its needs are not."""
    folder = Path(__file__).resolve().parents[4] / "examples" / "pcw"
    if not (folder / FILE).is_file():
        remedy = "Clone Headgate's repository and run `make demo` in it: the wheel does not hold the example."
        raise Failure("the application that the demo releases is not here", str(folder), remedy)
    missing = sorted(name for name in needed() if not installed(name))
    if missing:
        remedy = "Install them: `pip install 'headgate[examples]'`, or run `make demo` in a clone."
        raise Failure(f"what the example imports is not installed: {', '.join(missing)}", str(folder), remedy)
    if shutil.which("git") is None:
        raise Failure("git is not installed", "PATH", "Install git: releases are made from commits.")
    return folder


def needed() -> set[str]:
    """The packages that the example imports: what pyproject.toml declares for it; a second list would go stale."""
    declared = [one for one in requires("headgate") or () if 'extra == "examples"' in one.replace("'", '"')]
    return {re.split(r"[^\w.-]", one, maxsplit=1)[0] for one in declared}


def installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


class Repository:
    def __init__(self, example: Path, folder: Path, supply: Supply | None = None) -> None:
        """`supply`: its services run in containers."""
        self.folder = folder
        self._example = example
        self._supply = supply

    def begin(self) -> None:
        """The example as version 1, with the demo's waits in its headgate.yaml."""
        shutil.copytree(self._example, self.folder, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        file = self.folder / FILE
        text = shortened(file.read_text(encoding="utf-8"))
        if self._supply is not None:
            text = contained(text, self._supply.registry, self._supply.prefix, self._supply.base)
        file.write_text(text, encoding="utf-8")
        self._git("init", "--quiet", "--initial-branch=main")
        self.commit(FIRST)

    def change(self, version: Version) -> None:
        self._git("apply", str(self._example / "versions" / version.patch))
        self.commit(version)

    def undo(self) -> None:
        """The last commit is taken back by another, as one does after a release that did not last."""
        self._git("revert", "--no-edit", "HEAD")

    def commit(self, version: Version) -> None:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", version.subject)
        self._git("tag", version.label)

    def _git(self, *arguments: str) -> None:
        command = ["git", *AUTHOR, *arguments]
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("GIT_")}, **PLAIN_GIT}
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=GIT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(f"git cannot be run: {error}", str(self.folder), "Install git.") from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-400:]
            remedy = "If the patches no longer fit the example, renew them: examples/pcw/versions."
            raise Failure(f"`git {arguments[0]}` failed: {said}", str(self.folder), remedy)
