"""headgate release: make a release from a commit, once its CI steps have passed."""

import json
from typing import Any

from headgate.cli.act import person
from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.failure import GAVE_WAY, OK, REFUSED
from headgate.cli.output import print_json, say

LONG_POLL = 20.0  # seconds
MAKING = 3600.0  # seconds; images are built and pushed


def release(
    reference: str = "HEAD",
    named: str | None = None,
    data: str | None = None,
    by: str | None = None,
    as_json: bool = False,
    no_wait: bool = False,
) -> int:
    api = Api(data)
    name = application(api, named)
    made = api.post(path(name, "releases"), {"reference": reference, "by": by or person()}, MAKING)
    if "steps" in made and not no_wait:
        return _built(api, name, made, as_json)
    if as_json:
        print_json(made)
    elif "steps" in made:
        say(f"{made['build']}  {made['label']}  its steps run; `headgate builds {made['build']}` shows them")
    else:
        _told(made)
    return OK


def _built(api: Api, name: str, made: dict[str, Any], as_json: bool) -> int:
    """Its steps as they go, to the end of the build; its outcome is the exit code."""
    from headgate.cli.follow import Follow  # not needed by who does not wait

    build = str(made["build"])
    if not as_json:
        say(f"{build}  {made['label']}  {made['subject']}: {', '.join(step['step'] for step in made['steps'])}")
    news = Follow(api, path(name, "builds", build), 0)
    while True:
        for event in news.events(LONG_POLL):
            if not as_json:
                _show(event)
            if event["kind"] == "BuildEnded":
                return _ended(news.api, name, build, event, as_json)


def _show(event: dict[str, Any]) -> None:
    from headgate.cli.commands.builds import details
    from headgate.cli.follow import line

    if event["kind"] == "BuildRequested":
        return
    print(line(event), flush=True)
    if event["kind"] == "CiStepEnded" and event["outcome"] == "failed":
        for detail in details(event):
            say(detail)


def _ended(api: Api, name: str, build: str, event: dict[str, Any], as_json: bool) -> int:
    if event["outcome"] == "passed":
        listed = api.get(path(name, "releases"))["releases"]
        made = next(one for one in listed if one["release"] == event["release"])
        print_json({**made, "build": build}) if as_json else _told(made)
        return OK
    if as_json:
        print(json.dumps(api.get(path(name, "builds", build))))
    else:
        say(f"no release: `headgate logs --build {build}` has all that the steps printed")
    return REFUSED if event["outcome"] == "failed" else GAVE_WAY


def _told(made: dict[str, Any]) -> None:
    say(f"{made.get('release')}  {made.get('label')}  {str(made.get('commit'))[:10]}  {made.get('subject')}")
    for service, image in made.get("images", {}).items():
        elsewhere = "  (built elsewhere)" if service in made.get("elsewhere", []) else ""
        say(f"  {service}: {image}{elsewhere}")
    there = made.get("environments", [])
    for one in there:
        why = f": {one['why']}" if one.get("why") else ""
        say(f"  {one.get('state')} in {one.get('environment')}{why}")
    if made.get("quarantined"):
        say(f"  quarantined: {made['quarantined']}")
    elif not there:
        say(f"  no environment takes it by itself: `headgate deploy ENV {made.get('label')}`")
