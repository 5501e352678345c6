"""The demo's acts: four versions go out, and what becomes of them is read from the log and from the load generator.

Nothing here helps a version on or holds it back: it commits, releases, sends traffic and looks.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from headgate.cli.demo import calibrate, claims, example, summary
from headgate.cli.demo.answers import read
from headgate.cli.demo.containers import Containers
from headgate.cli.demo.scene import Act
from headgate.cli.demo.screen import Screen
from headgate.cli.demo.server import Server
from headgate.cli.demo.summary import Journey, Summary
from headgate.cli.demo.traffic import Figures, Traffic
from headgate.cli.demo.waits import TOLD
from headgate.cli.demo.watching import APPLICATION, ENVIRONMENTS, Watching

LONGEST = 300.0  # seconds for one version's whole way: at 100 requests/s one good release in twenty takes three minutes
QUIET = 4.0  # seconds of the stable alone between two versions, with which a slow one is compared
TRAFFIC = 600.0  # seconds; the load generator ends by itself after that


class Demo:
    def __init__(
        self, server: Server, folder: Path, source: Path, screen: Screen, containers: Containers | None = None
    ) -> None:
        """Without containers its services run as processes."""
        self.server, self.screen, self.containers = server, screen, containers
        self.traffic: Traffic | None = None
        self.journeys: list[Journey] = []
        self._folder, self._source = folder, source
        self._repository = self._copy(None)
        self._acts = {one.label: Act(f"{one.label}  {one.subject}: {one.nature}") for one in example.VERSIONS}
        self._choice = calibrate.Choice(0, "no traffic was sent", False)
        self._watching: Watching | None = None
        self.screen.scene.acts = list(self._acts.values())

    def play(self, rate: int) -> Summary:
        begun = time.time()
        self._set_up()
        if self._in_production(self._release(example.FIRST)):
            self._send_traffic(rate)
            self._later_versions()
        found = self._sum_up()
        found.seconds = time.time() - begun
        return found

    # --- before anything is released

    def _copy(self, supply: example.Supply | None) -> example.Repository:
        return example.Repository(self._source, self._folder / "repository", supply)

    def _set_up(self) -> None:
        if self.containers is not None:
            self.screen.say("a registry starts, and gets a base image that is made of this machine's Python")
            begun = time.monotonic()
            self._repository = self._copy(self.containers.begin())
            took = time.monotonic() - begun
            self.screen.note(f"that took {took:.1f} s; all of it bears the label {self.containers.label}")
        self.screen.say("a copy of examples/pcw becomes a repository of its own, and a server starts")
        self._repository.begin()
        self.server.start()
        applied = json.loads(self.server.ordered("apply", example.FILE, "--json", folder=self._repository.folder))
        self.screen.say(f"headgate.yaml is committed and applied, with waits for a demo: {TOLD}")
        for one in applied["environments"]:
            if one.get("problem"):
                self.screen.note(f"{one['environment']}: {one['problem']}")
        self._watching = Watching(self.server, None, self.screen)

    @property
    def watching(self) -> Watching:
        if self._watching is None:
            raise RuntimeError("nothing is set up yet")
        return self._watching

    def _send_traffic(self, highest: int) -> None:
        address = self.watching.production()["addresses"]["web"]["public"]
        traffic = self.traffic = Traffic(address, self._source / "traffic" / "enquiries.jsonl", self._folder)

        def trial(rate: float) -> Sequence[Figures]:
            self.screen.say(f"how much does this machine bear? {rate:.0f} requests/s for {calibrate.TRIAL:.0f} s")
            traffic.start(round(rate), calibrate.TRIAL, f"trial-{rate:.0f}.csv")
            traffic.wait()
            return traffic.figures

        self._choice = calibrate.choose(highest, trial)
        found = "sustained" if self._choice.sustained else "not sustained, but it is the lowest: expect noise"
        self.screen.say(f"{self._choice.rate} requests/s from now on to the end, {found} ({self._choice.why})")
        traffic.start(self._choice.rate, TRAFFIC)
        self.watching.traffic = traffic
        self.watching.rest(QUIET)

    # --- the versions

    def _later_versions(self) -> None:
        if not self._in_production(self._release(example.MONTHLY)):
            return
        self.watching.rest(QUIET)
        if self._in_production(self._release(example.TYPICAL)):
            return  # the next one goes on top of the version before
        self._repository.undo()
        self.watching.rest(QUIET)
        self._release(example.AT_ONCE)
        self.watching.rest(QUIET)

    def _release(self, version: example.Version) -> Journey:
        act = self._acts[version.label]
        act.state = "now"
        self.screen.say(f"a developer commits {version.label}, {version.nature}: {version.subject}")
        if version.patch:
            self._repository.change(version)
        self.watching.label = version.label
        asked = time.time()
        made = json.loads(self.server.ordered("release", "--json", folder=self._repository.folder))
        took = time.time() - asked
        release = str(made["release"])
        images = ", its images pushed and pinned by digest," if self.containers is not None else ""
        self.screen.say(f"CI passed: {version.label} is a release{images} {took:.1f} s after it was asked for")
        self.watching.until(lambda: self.watching.settled(release), LONGEST)
        journey = Journey(version.label, took, asked, *(self.watching.rollout(name, release) for name in ENVIRONMENTS))
        self.journeys.append(journey)
        act.result = claims.ending(journey)
        act.state = "done" if claims.as_it_should(journey) else "failed"
        return journey

    @staticmethod
    def _in_production(journey: Journey) -> bool:
        return journey.production is not None and journey.production.outcome == "promoted"

    # --- what came of it

    def _sum_up(self) -> Summary:
        self.screen.say("the traffic ends; what was measured is summed up")
        view = self.watching.production()
        refusals = [
            (journey.label, name, self.server.command("deploy", name, journey.label, "--application", APPLICATION))
            for journey in self.journeys[2:]
            for name in ENVIRONMENTS
        ]
        if self.traffic is not None:
            self.traffic.stop()
        (self._folder / "events.json").write_text(json.dumps(self.watching.events, indent=1))
        audit = self.server.command("audit", "verify")
        answers = read(self.traffic.record) if self.traffic is not None and self.traffic.record.exists() else []
        found = summary.figures(self._choice.rate, self._choice.why, self.journeys, answers)
        found.claims = claims.made(found, view, refusals, audit)
        return found
