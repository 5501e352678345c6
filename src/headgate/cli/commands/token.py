"""headgate token: tokens that are one person's, or can do one thing only."""

from typing import Any

from headgate.cli.act import person as asking
from headgate.cli.api import Api, quoted
from headgate.cli.failure import USAGE, Failure
from headgate.cli.output import print_json, say, table
from headgate.cli.plain import minute

SCOPES = ("releases",)
PATH = "/api/tokens"


def create(
    scope: str, named: str | None = None, data: str | None = None, by: str | None = None, as_json: bool = False
) -> None:
    if scope not in SCOPES:
        raise Failure(f"a token cannot be for {scope!r}", "--for", f"Write one of: {', '.join(SCOPES)}.", USAGE)
    made = Api(data).post(PATH, {"scope": scope, "application": named or "", "by": by or asking()})
    if as_json:
        print_json(made)
        return
    say(made.get("token"))
    say(f"  {made.get('id')}: for {scope}{f' of {named}' if named else ''}; it is not shown again")


def person(
    person: str, expires: str = "90d", data: str | None = None, by: str | None = None, as_json: bool = False
) -> None:
    body = {"person": person, "expires": None if expires == "never" else expires, "by": by or asking()}
    made = Api(data).post(f"{PATH}/person", body)
    if as_json:
        print_json(made)
        return
    say(made.get("token"))
    until = f"until {minute(made['expires_at'])}" if made.get("expires_at") else "for ever"
    say(f"  {made.get('id')}: who has it acts as {made.get('person')}, {until}; it is not shown again")
    say("  they use it so: HEADGATE_TOKEN=... HEADGATE_SERVER=http://... headgate approve ENV")
    say("  or in a browser, at the server's address, as the password")


def listed(data: str | None = None, as_json: bool = False) -> None:
    answer = Api(data).get(PATH)
    if as_json:
        print_json(answer)
        return
    tokens = answer.get("tokens", [])
    if not tokens:
        say("there is no token; `headgate token create --for releases` makes one")
        return
    rows = [_row(one) for one in tokens]
    table(("token", "for", "application", "by", "made", "until"), rows)


def _row(one: dict[str, Any]) -> list[str]:
    whose = one.get("person") or one["scope"]
    until = minute(one["expires_at"]) if one.get("expires_at") else "for ever"
    return [one["id"], whose, one["application"] or "any", one["by"], minute(one["created_at"]), until]


def revoke(token: str, data: str | None = None, as_json: bool = False) -> None:
    ended = Api(data).post(f"{PATH}/{quoted(token)}/revoke", {})
    print_json(ended) if as_json else say(f"{ended.get('id')} is good for nothing any more")


VERBS: dict[str, Any] = {"person": person, "create": create, "list": listed, "revoke": revoke}
