"""headgate secrets check: every store that the file names is asked, by the server that would ask it."""

from typing import Any

from headgate.cli.act import person
from headgate.cli.api import Api
from headgate.cli.commands.apply import said_of
from headgate.cli.failure import OK, REFUSED
from headgate.cli.file import content_of
from headgate.cli.output import print_json, say, table

HEADERS = ("environment", "store", "secret", "version", "for")


def check(
    environment: str | None = None, file: str = "headgate.yaml", data: str | None = None, as_json: bool = False
) -> int:
    body = {**said_of(file, content_of(file)), "by": person(), **({"environment": environment} if environment else {})}
    answer = Api(data).post("/api/secrets/check", body)
    if as_json:
        print_json(answer)
    else:
        _told(answer)
    return REFUSED if any(one["problem"] for one in answer["secrets"]) else OK


def _told(answer: dict[str, Any]) -> None:
    rows = [_row(one) for one in answer["secrets"]]
    if rows:
        table(HEADERS, rows)
    else:
        say("the file asks for no secret")
    for one in answer["unused"]:
        say(f"{one['environment']}: no variable uses the store {one['store']}, so it was not asked")
    problems = [f"{one['environment']}: {one['problem']}" for one in answer["secrets"] if one["problem"]]
    for problem in problems:
        say(problem)
    if rows:
        say(f"{len(rows) - len(problems)} of {len(rows)} can be read")


def _row(one: dict[str, Any]) -> list[str]:
    version = f"{one['version']}{' (by reference)' if one['by_reference'] else ''}"
    return [one["environment"], one["store"], one["secret"], version or "NOT READ", ", ".join(one["variables"])]
