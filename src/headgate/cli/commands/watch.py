"""headgate watch: one environment live, to the end of its rollout."""

import json
import sys
import time
from typing import Any

from headgate.cli.api import Api
from headgate.cli.chosen import application
from headgate.cli.failure import OK
from headgate.cli.follow import QUIET, News, end, line
from headgate.cli.output import say
from headgate.cli.picture import Picture, numbers

LOOK = 0.5  # seconds between two pictures; an event shows at once
LINE = 1.0  # seconds at least between two lines of numbers


def watch(
    environment: str,
    keep: bool = False,
    named: str | None = None,
    data: str | None = None,
    as_json: bool = False,
) -> int:
    api = Api(data)
    news = News(api, application(api, named), environment, 0)
    view = news.get()
    news.version = int(view["version"])
    if as_json:
        shown: Shown = Objects()
    else:
        shown = Screen(environment) if sys.stdout.isatty() else Lines()
    with shown:
        return _watched(news, view, shown, keep)


class Shown:
    """One way to show what happens."""

    def __enter__(self) -> "Shown":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def show(self, view: dict[str, Any], events: list[dict[str, Any]]) -> None:
        raise NotImplementedError

    def note(self, text: str) -> None:
        say(text)


class Objects(Shown):
    """A JSON object in each line: events as they happen, the state at most once a second."""

    def __init__(self) -> None:
        self._next = 0.0

    def show(self, view: dict[str, Any], events: list[dict[str, Any]]) -> None:
        for event in events:
            print(json.dumps({"event": event}), flush=True)
        if time.monotonic() >= self._next or events:
            self._next = time.monotonic() + LINE
            print(json.dumps({"state": view}), flush=True)

    def note(self, text: str) -> None:
        """The state has said it."""


class Lines(Shown):
    """For pipes and dumb terminals: a line for each event, and one when the numbers changed."""

    def __init__(self) -> None:
        self._next = 0.0
        self._last = ""

    def show(self, view: dict[str, Any], events: list[dict[str, Any]]) -> None:
        for event in events:
            if event["kind"] not in QUIET:
                print(line(event), flush=True)
        text = numbers(view)
        if text != self._last and time.monotonic() >= self._next:
            self._last, self._next = text, time.monotonic() + LINE
            print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


class Screen(Shown):
    """A picture that is drawn anew in its place; the last one stays."""

    def __init__(self, environment: str) -> None:
        from rich.console import Console
        from rich.live import Live

        self._picture = Picture()
        self._live = Live(console=Console(highlight=False), auto_refresh=False, transient=False)

    def __enter__(self) -> "Screen":
        self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._live.__exit__(*error)

    def show(self, view: dict[str, Any], events: list[dict[str, Any]]) -> None:
        self._live.update(self._picture.drawn(view, events), refresh=True)


def _watched(news: News, view: dict[str, Any], shown: Shown, keep: bool) -> int:
    """To the end of the rollout that is in flight or waits here; its exit code."""
    followed = _followed(view)
    shown.show(view, [])
    while followed or keep:
        events = news.events(LOOK)
        view = news.get()
        shown.show(view, events)
        if followed and not keep and (code := _ended(events, followed)) is not None:
            return code
        followed = followed or _followed(view)
    shown.note(f"nothing is in flight in {view['environment']}; `headgate history` shows what was")
    return OK


def _ended(events: list[dict[str, Any]], followed: tuple[str, str | None]) -> int | None:
    codes = (end(event, *followed) for event in events)
    return next((code for code in codes if code is not None), None)


def _followed(view: dict[str, Any]) -> tuple[str, str | None] | None:
    """The rollout in flight, else the one that waits, with its release."""
    if view.get("rollout"):
        return str(view["rollout"]["id"]), None
    if view.get("waiting"):
        return str(view["waiting"]["rollout"]), str(view["waiting"]["release"])
    return None
