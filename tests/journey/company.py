"""A company that releases the example: its repository, its server, and its people, each with a token of their own.

Whatever they do they do by the command line, in a process, as anyone would.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from tests.faults import processes

from headgate.cli.api import Api, path
from headgate.cli.demo import example

HEADGATE = (sys.executable, "-P", "-c", "import sys; from headgate.cli.main import main; sys.exit(main())")
ROOT = Path(__file__).parents[2]
Found = TypeVar("Found")


class Company:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.source = folder / "pcw"
        self.tokens: dict[str, str] = {}
        self._ahead = folder / "hours"
        self._log = folder / "server.log"
        self._server: subprocess.Popen[bytes] | None = None

    # --- the repository

    def begin(self, rules_of: str, change: Callable[[dict[str, Any]], None]) -> None:
        """The example in a git repository of its own, with one of its files changed; nothing is committed yet."""
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=example.find(), capture_output=True, text=True, check=True
        ).stdout
        for name in filter(None, listed.split("\0")):
            target = self.source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((example.find() / name).read_bytes())
        rules = yaml.safe_load((self.source / rules_of).read_text())
        change(rules)
        (self.source / "headgate.yaml").write_text(yaml.safe_dump(rules, sort_keys=False))
        self.git("init", "--quiet", "--initial-branch=main")

    def commit(self, subject: str, tag: str | None = None) -> str:
        """Everything as it lies there, by alice. Returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject)
        if tag is not None:
            self.git("tag", tag)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Alice", "-c", "user.email=alice@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *who, *arguments], cwd=self.source, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    # --- the server

    def serve(self) -> None:
        self._ahead.write_text(self._ahead.read_text() if self._ahead.exists() else "0")
        (self.data / "server.json").unlink(missing_ok=True)
        command = [sys.executable, "-P", "-m", "tests.journey.late", str(self._ahead), "serve"]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [*command, "--data", str(self.data), "--port", "0"],
                env={**self._environment(), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.until((self.data / "server.json").exists, "the server answers", 30)

    def jump(self, hours: float) -> None:
        """What the server reads off the wall is so many hours ahead from now on."""
        self._ahead.write_text(str(float(self._ahead.read_text()) + hours))

    def close(self) -> list[int]:
        """Everything that was started here ends; returns what would not."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(10)
        return processes.end_all(self.folder)

    # --- people

    def run(self, *arguments: str, person: str = "") -> subprocess.CompletedProcess[str]:
        """`headgate ARGUMENTS`: as a person with their token, else as whoever runs the server."""
        own = {"HEADGATE_TOKEN": self.tokens[person]} if person else {}
        if own:
            own["HEADGATE_SERVER"] = json.loads((self.data / "server.json").read_text())["address"]
        return subprocess.run(
            [*HEADGATE, *arguments], cwd=self.source, env={**self._environment(), **own}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def does(self, *arguments: str, person: str = "") -> str:
        done = self.run(*arguments, person=person)
        assert done.returncode == 0, f"headgate {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def asked(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.does(*arguments, "--json"))
        return found

    def hires(self, person: str) -> None:
        self.tokens[person] = str(self.asked("token", "person", person)["token"])

    # --- what is seen

    def environment(self, name: str) -> dict[str, Any]:
        applications = self.asked("status")["applications"]
        found = [one for one in applications[0]["environments"] if one["environment"] == name]
        return dict(found[0])

    def stable(self, name: str) -> dict[str, Any]:
        return self.environment(name)["stable"] or {}

    def view(self, name: str) -> dict[str, Any]:
        """With its instances and addresses."""
        return Api(str(self.data)).get(path("pcw", "environments", name))

    def given(self, environment: str, service: str, variable: str) -> set[str]:
        """What the service's stable processes there have it as, from the kernel's own tables."""
        revision = self.stable(environment).get("revision")
        processes_there = [_given(one.pid) for one in processes.instances(self.data) if one.revision == revision]
        return {variables[variable] for variables in processes_there if variables.get("SERVICE") == service}

    def serves(self, name: str, label: str, patience: float = 90) -> None:
        self.until(lambda: self.stable(name).get("label") == label, f"{name} serves {label}", patience)

    def until(self, true: Callable[[], Found], what: str, patience: float = 30) -> Found:
        give_up = time.monotonic() + patience
        while not (found := true()):
            assert self._server is None or self._server.poll() is None, f"the server ended: {self.told()}"
            assert time.monotonic() < give_up, f"waited {patience:.0f} s in vain until {what}\n{self.told()}"
            time.sleep(0.2)
        return found

    def told(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-30:] if self._log.exists() else []
        questions = (("status",), ("builds",), ("why", "staging"), ("why", "production"))
        seen = [self.run(*question).stdout for question in questions]
        return "\n".join([*lines, *seen])

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADGATE_")}
        return {**kept, "HEADGATE_DATA": str(self.data), "HOME": str(self.folder)}


def _given(pid: int) -> dict[str, str]:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return {}  # it has just ended
    return {name: value for name, _, value in (one.partition("=") for one in variables)}
