"""A repository on this machine that a server follows: a commit there, and the rollout in staging that comes of it."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

HEADGATE = str(Path(sys.executable).with_name("headgate"))
PATIENCE = 60.0  # seconds


class Followed:
    """Of the application `shop`."""

    def __init__(self, data: Path, folder: Path) -> None:
        self.data, self.folder = data, folder
        self._after = 0  # events of staging that were seen
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True, timeout=30)

    def commit(self, path: str, text: str) -> float:
        """Returns the moment before `git commit`, wall clock."""
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).write_text(text)
        self.git("add", ".")
        begun = time()
        self.git("commit", "--quiet", "--message", f"Change {path}")
        return begun

    def apply(self) -> None:
        until = monotonic() + 30
        while not (self.data / "server.json").exists() and monotonic() < until:
            sleep(0.02)
        given = {**os.environ, "HEADGATE_DATA": str(self.data)}
        subprocess.run([HEADGATE, "apply"], cwd=self.folder, env=given, check=True, capture_output=True, timeout=30)
        sleep(2)  # what is there is noted

    def rollout(self) -> float:
        """When the next rollout started; returns once it ended."""
        began = None
        for event in self._events():
            self._after = event["version"]
            if event["kind"] == "RolloutStarted":
                began = datetime.fromisoformat(event["at"]).timestamp()
            if event["kind"] == "RolloutEnded" and began:
                if event["outcome"] != "promoted":
                    raise RuntimeError(f"the rollout ended otherwise: {event['text']}")
                return began
        raise RuntimeError("no rollout came")

    def _events(self) -> Iterator[dict[str, Any]]:
        until, after = monotonic() + PATIENCE, self._after
        address = json.loads((self.data / "server.json").read_text())["address"]
        token = (self.data / "token").read_text().strip()
        while monotonic() < until:
            url = f"{address}/api/applications/shop/environments/staging/events?after={after}&wait=5"
            asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
            with urllib.request.urlopen(asked, timeout=30) as answer:
                told = json.load(answer)
            after = told["version"]
            yield from chain(told["events"])

    def take_down(self) -> None:
        import asyncio

        from headgate import bootstrap

        asyncio.run(bootstrap.take_down(self.data))
