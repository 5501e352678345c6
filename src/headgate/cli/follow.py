"""Following one rollout to its end: what happens as it happens, and the exit code that its end means."""

import json
import time
from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.failure import ABORTED, GAVE_WAY, NO_SERVER, OK, Failure
from headgate.cli.plain import plain

LONG_POLL = 20.0  # seconds
PATIENCE = 30.0  # seconds that a server may be away, as when it is restarted
QUIET = ("MeasurementTaken", "StableMeasured")  # too many to be told
PAUSE = 0.5  # seconds between two tries to find it again

Event = dict[str, Any]


class Follow:
    """Events of one environment or build as they come. A server that is restarted meanwhile is found again."""

    def __init__(self, api: Api, where: str, version: int) -> None:
        """`where`: its path in the API."""
        self.api = api
        self.version = version
        self._where = where

    def get(self, *parts: str, timeout: float = 30.0, **query: object) -> dict[str, Any]:
        """Something of it."""
        asked = self._where + path(*parts, **query).removeprefix(path())
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                return self.api.get(asked, timeout)
            except Failure as failure:
                if failure.code != NO_SERVER or time.monotonic() > give_up:
                    raise
            time.sleep(PAUSE)
            self._find_again()

    def _find_again(self) -> None:
        try:
            self.api = Api(self.api.folder)
        except Failure as failure:
            if failure.code != NO_SERVER:
                raise

    def events(self, wait: float) -> list[Event]:
        answer = self.get("events", timeout=wait + 30.0, after=self.version, wait=wait)
        self.version = int(answer["version"])
        found: list[Event] = answer["events"]
        return found


class News(Follow):
    """Of one environment."""

    def __init__(self, api: Api, application: str, environment: str, version: int) -> None:
        super().__init__(api, path(application, "environments", environment), version)


def follow(api: Api, done: dict[str, Any], verb: str, as_json: bool) -> int:
    """From the answer to a command to the end of the rollout that it concerns."""
    news = News(api, str(done["application"]), str(done["environment"]), int(done["version"]))
    rollout = done.get("waiting") if verb == "deploy" and done.get("waiting") else done.get("rollout")
    wanted = "aborted" if done.get("phase") == "aborting" else "promoted"
    ours = False  # what happens before our rollout is first named concerns another
    while True:
        for event in news.events(LONG_POLL):
            show(event, as_json)
            ours = ours or event.get("rollout") == rollout
            code = end(event, str(rollout), done.get("release"), wanted) if ours else None
            if code is not None:
                return code


def show(event: Event, as_json: bool) -> None:
    if as_json:
        print(json.dumps(event), flush=True)
    elif event["kind"] not in QUIET:
        print(line(event), flush=True)


def end(event: Event, rollout: str, release: str | None, wanted: str = "promoted") -> int | None:
    """The exit code, where this event ended what was followed."""
    if event["kind"] == "RolloutEnded" and event.get("rollout") == rollout:
        return OK if event.get("outcome") == wanted else ABORTED
    if event["kind"] in ("ReleaseSuperseded", "ReleaseDropped") and release and event.get("release") == release:
        return GAVE_WAY
    return None


def line(event: Event) -> str:
    """12:03:04 step 4 done: the router says 25 % go to the candidate"""
    return f"{clock(str(event['at']))} {plain(event['text'])}"


def clock(moment: str) -> str:
    """The time of day here, of an ISO 8601 moment."""
    from datetime import datetime

    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")
