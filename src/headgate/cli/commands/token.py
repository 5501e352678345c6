"""headgate token: tokens that can do one thing only."""

from headgate.cli.act import person
from headgate.cli.api import Api, quoted
from headgate.cli.failure import USAGE, Failure
from headgate.cli.output import print_json, say, table

SCOPES = ("releases",)
PATH = "/api/tokens"


def create(
    scope: str, named: str | None = None, data: str | None = None, by: str | None = None, as_json: bool = False
) -> None:
    if scope not in SCOPES:
        raise Failure(f"a token cannot be for {scope!r}", "--for", f"Write one of: {', '.join(SCOPES)}.", USAGE)
    made = Api(data).post(PATH, {"scope": scope, "application": named or "", "by": by or person()})
    if as_json:
        print_json(made)
        return
    say(made.get("token"))
    say(f"  {made.get('id')}: for {scope}{f' of {named}' if named else ''}; it is not shown again")


def list(data: str | None = None, as_json: bool = False) -> None:
    answer = Api(data).get(PATH)
    if as_json:
        print_json(answer)
        return
    tokens = answer.get("tokens", [])
    if not tokens:
        say("there is no token; `headgate token create --for releases` makes one")
        return
    rows = [[one["id"], one["scope"], one["application"] or "any", one["by"], one["created_at"][:16]] for one in tokens]
    table(("token", "for", "application", "by", "made"), rows)


def revoke(token: str, data: str | None = None, as_json: bool = False) -> None:
    ended = Api(data).post(f"{PATH}/{quoted(token)}/revoke", {})
    print_json(ended) if as_json else say(f"{ended.get('id')} is good for nothing any more")
