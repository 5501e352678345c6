"""A temporary git repository with the tiny service in it; a commit is a version, good or bad in a way of its own."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

SERVICE = Path(__file__).with_name("service.py")

# Short waits: a rollout takes some eight seconds. At 20 % of 200 requests/s the candidate answers forty a second.
FILE = """\
application: shop
services:
  web:
    build: app
    command: [python3, -S, service.py]
    port: 8000
    health: {path: /healthz, interval: 1s, timeout: 2s}
    replicas: 2
environments:
  production:
    platform: process
    strategy: {canary: {steps: [20, 50]}}
    analysis:
      errors: {worse_by: 5pp}
      signals: [errors]  # the load and the faults share this machine: latency says nothing here
      blip: 1s
      minimum_requests: 20
      interval: 500ms
      at_least: 1s
      deadline: 20s
    bake: 2s
    keep_warm: 0s
    deadlines: {ready: 10s, weight: 10s, retire: 20s, drain: 10s}
"""


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "app").mkdir(parents=True)
        shutil.copy(SERVICE, folder / "app" / "service.py")
        self.git("init", "--quiet", "--initial-branch=main")
        (folder / "headgate.yaml").write_text(FILE)

    def commit(self, version: str, **behaviour: Any) -> str:
        """Returns the version, which is also the tag. What may be told of the service is in service.py."""
        told = json.dumps({"version": version, **behaviour})
        (self.folder / "app" / "behaviour.json").write_text(told)
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", f"{version}: {told}")
        self.git("tag", version)
        return version

    def edit(self, old: str, new: str) -> str:
        """The text of headgate.yaml with a change."""
        path = self.folder / "headgate.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        return path.read_text()

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True)
