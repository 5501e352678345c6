"""headgate release: make a release from a commit."""

from typing import Annotated, Any

import typer

from headgate.cli.act import person
from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.options import Application, By, Data, Json
from headgate.cli.output import print_json, say

Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="Branch, tag or commit.")]


def release(
    reference: Reference = "HEAD", named: Application = None, data: Data = None, by: By = None, as_json: Json = False
) -> None:
    """Make a release from a commit of the applied file's repository. The same commit is the same release."""
    api = Api(data)
    name = application(api, named)
    made = api.post(path(name, "releases"), {"reference": reference, "by": by or person()})
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
