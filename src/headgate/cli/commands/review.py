"""headgate review, approve, reject: what would happen, and what one says of it."""

import sys
from typing import Any

from headgate.cli.act import person as asking
from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.failure import USAGE, Failure
from headgate.cli.output import print_json, say
from headgate.cli.plain import minute

View = dict[str, Any]


def review(  # noqa: PLR0913 - each is an option
    environment: str,
    link: bool = False,
    person: str | None = None,
    only: str | None = None,
    expires: str = "24h",
    *,
    named: str | None = None,
    data: str | None = None,
    by: str | None = None,
    as_json: bool = False,
) -> None:
    api = Api(data)
    where = application(api, named)
    if not link:
        if person or only:
            raise Failure("--for and --only are of a link", "", "Add --link, or leave them away.", USAGE)
        shown = api.get(path(where, "environments", environment, "review"))
        print_json(shown) if as_json else tell(shown)
        return
    if person is None:
        remedy = f"Say whose: headgate review {environment} --link --for PERSON"
        raise Failure("a link is one person's", "--link", remedy, USAGE)
    verbs = [only] if only else ["approve", "reject"]
    body = {"person": person, "verbs": verbs, "expires": expires, "by": by or asking()}
    made = api.post(path(where, "environments", environment, "links"), body)
    if as_json:
        print_json(made)
        return
    until, may = minute(str(made.get("expires_at"))), " or ".join(made["verbs"])
    say(made.get("link"))
    say(f"  for {made.get('person')} alone, once, until {until}: {may}")


def approve(  # noqa: PLR0913
    environment: str,
    shown: str | None = None,
    yes: bool = False,
    withdraw: bool = False,
    *,
    named: str | None = None,
    data: str | None = None,
    by: str | None = None,
    why: str | None = None,
    as_json: bool = False,
) -> None:
    api = Api(data)
    where = application(api, named)
    said: View = {"by": by or asking(), **({"why": why} if why else {})}
    if withdraw:
        said["withdraw"] = True
    elif shown is not None:
        said["set"] = shown
    elif not yes:
        _demand_eyes(environment, as_json)
        found = api.get(path(where, "environments", environment, "review"))
        tell(found)
        said["set"] = _agreed(found)
    done = api.post(path(where, "environments", environment, "approve"), said)
    if as_json:
        print_json(done)
        return
    what = "withdrawn" if withdraw else "approved"
    say(f"{what}; `headgate why {environment}` says what is still waited for")


def reject(
    environment: str,
    why: str,
    release: str | None = None,
    named: str | None = None,
    data: str | None = None,
    by: str | None = None,
    as_json: bool = False,
) -> None:
    api = Api(data)
    body = {"by": by or asking(), "why": why, **({"release": release} if release else {})}
    done = api.post(path(application(api, named), "environments", environment, "reject"), body)
    if as_json:
        print_json(done)
        return
    again = f"`headgate deploy {environment} {done.get('label')}` would ask for it anew"
    say(f"{done.get('label')} is rejected in {environment}, and does not come again by itself; {again}")


def _demand_eyes(environment: str, as_json: bool) -> None:
    """Into a pipe nobody sees what is asked about."""
    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        remedy = f"Add --set DIGEST, which `headgate review {environment}` ends with, or --yes for whatever it is."
        raise Failure("nobody would see here what is approved", "", remedy, USAGE)


def _agreed(found: View) -> str:
    try:
        answer = input(f"Approve exactly this as {asking()}, or as your token says? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in {"y", "yes"}:
        raise Failure("nothing was approved", "", "Answer y to approve; `headgate reject` says no for good.")
    return str(found["set"])


def tell(shown: View) -> None:
    for line in shown["told"]["head"]:
        say(line)
    for section in shown["told"]["sections"]:
        say(section["title"])
        for line in section["lines"]:
            say(f"  {line}")
    say(f"set {shown['set']}")


VERBS: dict[str, Any] = {"review": review, "approve": approve, "reject": reject}
