"""headgate why: what was decided, and what is waited for."""

from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.checked import checked
from headgate.cli.chosen import application
from headgate.cli.follow import line
from headgate.cli.monitored import monitored, seen
from headgate.cli.output import print_json, say

MOST_COMMITS = 5


def why(environment: str, named: str | None = None, data: str | None = None, as_json: bool = False) -> None:
    api = Api(data)
    answer = api.get(path(application(api, named), "environments", environment, "why"))
    if as_json:
        print_json(answer)
        return
    for one in answer.get("commits", [])[-MOST_COMMITS:]:
        say(one.get("text"))
    for decision in answer.get("decisions", []):
        print(line(decision))
    waits = answer.get("waits_for", [])
    say(f"waits for: {waits[0]}" if waits else "waits for nothing")
    for other in waits[1:]:
        say(f"           {other}")
    for note in (*checked(answer), *monitored(answer)):
        say(note)
    for sight in seen(answer):
        say(f"  {sight}")
    _signed(answer)
    _glass(answer)
    _horizon(answer.get("horizon") or {})
    _evidence(answer.get("evidence") or {})


def _signed(answer: dict[str, Any]) -> None:
    if signed := answer.get("signed_off"):
        note = f": {signed['note']}" if signed["note"] else ""
        say(f"{answer['stable']['label']} was {signed['verdict']} here by {signed['by']}{note}")


def _glass(answer: dict[str, Any]) -> None:
    if broken := answer.get("break_glass"):
        say(f"{answer['stable']['label']} came here by BREAK-GLASS of {broken['by']}: {broken['why']}")
        for gate in broken["gates"]:
            say(f"  closed: {gate}")


def _horizon(known: dict[str, Any]) -> None:
    """Where there is something to go back to, or something in the way."""
    if known.get("safe_back_to"):
        say(f"safe back to {known['safe_back_to']}")
    if known.get("why"):
        say(f"{'no further: ' if known.get('safe_back_to') else 'no way back: '}{known['why']}")


def _evidence(known: dict[str, Any]) -> None:
    if known.get("metrics"):
        _compared(known)
    if known.get("conditions"):
        say("metrics of the file:")
    for one in known.get("conditions", []):
        say(f"  {one['outcome']}: {one['text']}")


def _compared(known: dict[str, Any]) -> None:
    say(f"evidence (worse: {known['puts_back']} puts it back; as good: {known['passes']} each passes the step):")
    for one in known["metrics"]:
        good = f", as good {one['good']}" if one["good"] else ""
        say(f"  {one['text']}: worse {one['worse']}{good}")
