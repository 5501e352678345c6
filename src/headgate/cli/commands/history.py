"""headgate history: past rollouts, or everything that happened."""

from collections import deque
from datetime import datetime
from typing import Any

from headgate.cli.api import Api
from headgate.cli.chosen import application
from headgate.cli.follow import News
from headgate.cli.output import print_json, say, table, took
from headgate.cli.plain import plain

PAST = "; past the rollback horizon"
HEADERS = ("ended", "rollout", "release", "outcome", "took", "why")


def history(
    environment: str,
    events: bool = False,
    limit: int = 20,
    named: str | None = None,
    data: str | None = None,
    as_json: bool = False,
) -> None:
    api = Api(data)
    news = News(api, application(api, named), environment, 0)
    if events:
        _events(news, as_json)
        return
    rollouts = news.get("history").get("rollouts", [])[:limit]
    if as_json:
        print_json({"rollouts": rollouts})
    elif not rollouts:
        say(f"no rollout has ended in {environment} yet; `headgate status` shows what is in flight")
    else:
        table(HEADERS, [_row(one) for one in rollouts])


def _row(one: dict[str, Any]) -> list[str]:
    return [
        _local(str(one["ended_at"])),
        str(one["kind"]),
        str(one["label"]),
        str(one["outcome"]),
        took(float(one["seconds"])),
        f"{one['why']}{_glass(one.get('break_glass'))}{PAST if one.get('past_horizon') else ''}",
    ]


def _glass(broken: dict[str, Any] | None) -> str:
    if broken is None:
        return ""
    return f"; BREAK-GLASS by {broken['by']} ({broken['why']}), {len(broken['gates'])} closed gates passed"


def _events(news: News, as_json: bool) -> None:
    """Page by page, so that a long history needs no large answer; stops of the whole server stand where they were."""
    stops = deque(news.get("freezes").get("events", []))
    found = news.events(wait=0)
    while found:
        for event in found:
            while stops and stops[0]["at"] <= event["at"]:
                _told(stops.popleft(), as_json, everywhere=True)
            _told(event, as_json)
        found = news.events(wait=0)
    for stop in stops:
        _told(stop, as_json, everywhere=True)


def _told(event: dict[str, Any], as_json: bool, everywhere: bool = False) -> None:
    if as_json:
        print_json({**event, "everywhere": True} if everywhere else event)
    else:
        print(f"{_local(str(event['at']))} {'everywhere: ' if everywhere else ''}{plain(event['text'])}")


def _local(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")
