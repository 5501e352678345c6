"""headgate images: what is in the registry, who needs it, and an end to what nobody does."""

from typing import Any

from headgate.cli.act import person
from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.output import print_json, say, table

HEADERS = ("service", "digest", "tags", "releases", "stays because")
SHOWN = 19  # characters of a digest: sha256: and twelve digits


def images(
    prune: bool = False,
    keep: int = 10,
    named: str | None = None,
    data: str | None = None,
    by: str | None = None,
    as_json: bool = False,
) -> None:
    api = Api(data)
    name = application(api, named)
    if prune:
        answer = api.post(path(name, "images", "prune"), {"keep": keep, "by": by or person()})
        print_json(answer) if as_json else _pruned(answer["deleted"])
        return
    answer = api.get(path(name, "images", keep=keep))
    if as_json:
        print_json(answer)
    elif not answer.get("images"):
        say(f"no image of {name} is in its registry yet; `headgate release` makes them")
    else:
        table(HEADERS, [_row(one) for one in answer["images"]])


def _row(one: dict[str, Any]) -> list[str]:
    tags = ", ".join(tag[:12] for tag in one["tags"])
    why = one["needed"] or "nothing needs it"
    return [one["service"], one["digest"][:SHOWN], tags, ", ".join(one["releases"][:3]) or "-", why]


def _pruned(deleted: list[dict[str, Any]]) -> None:
    for one in deleted:
        say(f"deleted {one['service']}@{one['digest']}")
    if not deleted:
        say("nothing to delete: every image is needed")
