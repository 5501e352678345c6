"""Looking on: what the server's API and event log say, and what the load generator says, shown while one waits."""

import time
from collections.abc import Callable
from typing import Any

from headgate.cli.api import path
from headgate.cli.demo.rollouts import Rollout, rollouts
from headgate.cli.demo.screen import Screen
from headgate.cli.demo.server import Server
from headgate.cli.demo.traffic import Traffic
from headgate.cli.follow import News

APPLICATION = "pcw"
ENVIRONMENTS = ("staging", "production")
LOOK = 0.25  # seconds
SILENCE = 15.0  # seconds without an event
NEVER_STARTED = ("ReleaseDropped", "ReleaseSuperseded")
# Of every rollout, so not worth a line of their own.
QUIET = ("MeasurementTaken", "StableMeasured", "ReleaseRequested")


class Watching:
    def __init__(self, server: Server, traffic: Traffic | None, screen: Screen) -> None:
        api = server.api()
        self.traffic = traffic
        self._heard = time.monotonic()
        self.label = ""  # of the version that was released last
        self.events: dict[str, list[dict[str, Any]]] = {name: [] for name in ENVIRONMENTS}
        self._server, self._screen = server, screen
        self._news = {name: News(api, APPLICATION, name, 0) for name in ENVIRONMENTS}

    def until(self, done: Callable[[], bool], seconds: float) -> bool:
        """False where that did not come true in time."""
        give_up = time.monotonic() + seconds
        while True:
            self.look()
            if done():
                return True
            if time.monotonic() > give_up:
                return False
            time.sleep(LOOK)

    def rest(self, seconds: float) -> None:
        """Life goes on."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, seconds + 1)

    def look(self) -> None:
        self._server.check()
        for name, news in self._news.items():
            for event in news.events(wait=0):
                self.events[name].append(event)
                self._heard = time.monotonic()
                if event["kind"] not in QUIET:
                    self._screen.decided(name, event)
        scene = self._screen.scene
        scene.production = self.production()
        scene.sentence = happening(self.label, scene.production, self.events["staging"]) or scene.sentence
        if self.traffic is not None:
            self.traffic.check()
            figures = list(self.traffic.figures)
            scene.figures = figures[-1] if figures else None
            scene.served = sum(one.answered for one in figures)
            scene.bad = sum(one.bad for one in figures)
        self._say_what_is_waited_for()
        self._screen.show()

    def _say_what_is_waited_for(self) -> None:
        """When nothing was decided for a while: silence must not be all there is to see."""
        if time.monotonic() - self._heard < SILENCE:
            return
        self._heard = time.monotonic()
        for one in self._news["production"].api.get(path(APPLICATION))["environments"]:
            for why in one["waits_for"][:1]:
                self._screen.note(f"{one['environment']} waits for: {why}")

    def production(self) -> dict[str, Any]:
        return self._news["production"].get()

    def rollout(self, environment: str, release: str) -> Rollout | None:
        """The latest of a release."""
        found = [one for one in rollouts(self.events[environment]) if one.release == release]
        return found[-1] if found else None

    def settled(self, release: str) -> bool:
        """It is in production, or will not come there."""
        production, staging = self.rollout("production", release), self.rollout("staging", release)
        every = (event for events in self.events.values() for event in events)
        if any(event["kind"] in NEVER_STARTED and event.get("release") == release for event in every):
            return True
        failed = staging is not None and staging.outcome == "aborted"
        return failed or (production is not None and production.ended is not None)


def happening(label: str, production: dict[str, Any], staging: list[dict[str, Any]]) -> str:
    """What a release goes through at this moment, in words; empty where nothing is in flight."""
    rollout, stable = production.get("rollout"), (production.get("stable") or {}).get("label", "nothing")
    if rollout is None:
        tried = rollouts(staging)
        return f"{label} is tried in staging, where no user is" if tried and tried[-1].finish is None else ""
    weight = rollout["weight"]
    if rollout["phase"] == "aborting":
        return f"{label} is put back: all traffic returns to {stable}"
    if weight == 0:
        return f"{label} gets ready in production beside {stable}, without users"
    if weight == 100:
        return f"everyone is on {label}, and it is watched on; {stable} stays warm"
    return f"{weight} % of the visitors meet {label}; what they get is compared with what {stable} gives the others"
