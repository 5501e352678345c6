"""One application under its own traffic, released again and again. Several run side by side in one server."""

import os
import time
from pathlib import Path

from benchmarks.verdicts.real.defects import Defect
from benchmarks.verdicts.real.file import ENVIRONMENT
from benchmarks.verdicts.real.journal import Journal
from benchmarks.verdicts.real.record import HELD, PROMOTED, Release, recorded
from benchmarks.verdicts.real.repository import Repository

from headgate.cli.api import path
from headgate.cli.demo.answers import read
from headgate.cli.demo.rollouts import Rollout, rollouts
from headgate.cli.demo.server import Server
from headgate.cli.demo.traffic import Traffic
from headgate.cli.follow import Event, News
from headgate.model.rules import AnalysisRules

BY = "benchmark"
LONGEST = 1200.0  # seconds for one release; its steps have deadlines of their own
CALM = 1.0  # seconds between two releases


class Lane:
    def __init__(self, server: Server, source: Path, folder: Path, name: str, rules: AnalysisRules) -> None:
        self.name = name
        self.data = server.data.resolve()
        self.releases: list[Release] = []
        self._server, self._source, self._folder = server, source, folder / name
        self._folder.mkdir()
        self._repository = Repository(source, self._folder / "repository", name, rules)
        self._journal = Journal(self.data, f"{name}/{ENVIRONMENT}")
        self._news = News(server.api(), name, ENVIRONMENT, 0)
        self._events: list[Event] = []  # of the rollout in flight
        self.traffic: Traffic | None = None

    def open(self, rate: int, seconds: float) -> None:
        """A first version serves, and traffic flows to it from then on, for `seconds` at most."""
        self._repository.begin()
        applied = {"text": self._repository.text, "source": str(self._repository.folder), "by": BY}
        self._server.api().post(path(), applied)
        rollout, _ = self._rolled_out()
        if rollout.outcome != "promoted":
            raise RuntimeError(f"{self.name}: the first version does not serve: {rollout.why}")
        address = self._news.get()["addresses"]["web"]["public"]
        self.traffic = Traffic(address, self._source / "traffic" / "enquiries.jsonl", self._folder)
        self.traffic.start(rate, seconds)
        time.sleep(5)

    def release(self, defect: Defect | None = None) -> Release:
        """One more. A defect is taken back by a commit; where it was promoted, by a release too."""
        label = f"r{len(self.releases) + 1}"
        if defect is None:
            self._repository.comment(label)
        else:
            self._repository.plant(label, defect)
        rollout, held = self._rolled_out()
        trial = self._journal.trials[rollout.id]
        found = recorded(label, defect.name if defect else "", rollout, trial, held, os.getloadavg()[0])
        self.releases.append(found)
        if defect is not None:
            self._repository.undo()
            if found.outcome == PROMOTED:
                self._rolled_out()
        time.sleep(CALM)
        return found

    def close(self) -> None:
        """The traffic ends, and what its users saw is added to each release."""
        if self.traffic is None:
            return
        self.traffic.stop()
        answers = read(self.traffic.record)
        for one in self.releases:
            since = one.met_users or one.ended
            own = [answer for answer in answers if since <= answer.at < one.ended]
            one.answers, one.bad_answers = len(own), sum(answer.bad for answer in own)

    def _rolled_out(self) -> tuple[Rollout, str]:
        """How the newest commit fared, and why it was held, if it was; what is held is then ended by hand."""
        made = self._server.api().post(path(self.name, "releases"), {"reference": "HEAD", "by": BY})
        self._events, held, give_up = [], "", time.monotonic() + LONGEST
        while time.monotonic() < give_up:
            self._events += self._news.events(wait=5)
            self._journal.catch_up()
            if self.traffic is not None:
                self.traffic.check()
            rollout = next((one for one in rollouts(self._events) if one.release == made["release"]), None)
            if rollout is not None and rollout.ended is not None:
                return rollout, held
            if not held and (held := self._held()):
                self._server.api().post(path(self.name, "environments", ENVIRONMENT, "abort"), {"by": BY, "why": HELD})
        raise RuntimeError(f"{self.name}: {made['label']} did not end within {LONGEST:.0f} s")

    def _held(self) -> str:
        return next((str(event["why"]) for event in self._events if event["kind"] == "RolloutPaused"), "")
