"""headgate release: make a release from a commit."""

from typing import Any

from headgate.cli.act import person
from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.output import print_json, say

MAKING = 3600.0  # seconds; images are built and pushed


def release(
    reference: str = "HEAD",
    named: str | None = None,
    data: str | None = None,
    by: str | None = None,
    as_json: bool = False,
) -> None:
    api = Api(data)
    name = application(api, named)
    made = api.post(path(name, "releases"), {"reference": reference, "by": by or person()}, MAKING)
    print_json(made) if as_json else _told(made)


def _told(made: dict[str, Any]) -> None:
    say(f"{made.get('release')}  {made.get('label')}  {str(made.get('commit'))[:10]}  {made.get('subject')}")
    for service, image in made.get("images", {}).items():
        say(f"  {service}: {image}")
    there = made.get("environments", [])
    for one in there:
        say(f"  {one.get('state')} in {one.get('environment')}")
    if made.get("quarantined"):
        say(f"  quarantined: {made['quarantined']}")
    elif not there:
        say(f"  no environment takes it by itself: `headgate deploy ENV {made.get('label')}`")
