"""headgate infra plan, apply, outputs, drift: what an environment stands on."""

import time
from typing import Any

from headgate.cli.act import person
from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.failure import OK, REFUSED, Failure
from headgate.cli.output import print_json, say, table

View = dict[str, Any]
LONG = 700.0  # seconds: a provider may have to be fetched first, and clouds are slow to answer
GATED = "gates hold here: {stable} is rolled out once more, with this plan, when they open; `headgate review {where}`"
LOOK = 1.0  # seconds between two looks at an apply


def plan(environment: str, named: str | None = None, data: str | None = None, as_json: bool = False) -> int:
    found = _get(Api(data), named, environment, "plan")
    if as_json:
        print_json(found)
        return OK
    for change in found["changes"]:
        say(change["told"])
    say(found["text"])
    if not found["empty"]:
        say(f"plan {found['plan']}")
        say(f"  `headgate infra apply {environment} --plan {found['plan']}` does exactly that")
    return OK


def apply(
    environment: str,
    plan: str,
    named: str | None = None,
    data: str | None = None,
    by: str | None = None,
    why: str | None = None,
    as_json: bool = False,
) -> int:
    api = Api(data)
    where = (application(api, named), "environments", environment, "infrastructure")
    said = {"by": by or person(), "plan": plan, **({"why": why} if why else {})}
    answer = api.post(path(*where, "apply"), said, timeout=LONG)
    if answer["asked"]:
        print_json(answer) if as_json else say(GATED.format(stable=answer["stable"], where=environment))
        return OK
    while (found := api.get(path(*where))["latest"])["state"] == "running":
        time.sleep(LOOK)
    if as_json:
        print_json(found)
    elif found["state"] == "passed":
        say(f"applied: {found['text']}")
    else:
        remedy = f"Mend it, and look again: `headgate infra plan {environment}`."
        raise Failure(f"the apply failed: {found['why']}", environment, remedy)
    return OK if found["state"] == "passed" else REFUSED


def outputs(environment: str, named: str | None = None, data: str | None = None, as_json: bool = False) -> int:
    found = _get(Api(data), named, environment, "outputs")
    if as_json:
        print_json(found)
    elif found["outputs"]:
        table(("output", "value"), [[one["name"], one["value"]] for one in found["outputs"]])
    else:
        say(f"{environment} has no outputs yet; `headgate infra plan {environment}` shows what an apply would make")
    return OK


def drift(environment: str, named: str | None = None, data: str | None = None, as_json: bool = False) -> int:
    found = _get(Api(data), named, environment, "drift")
    if as_json:
        print_json(found)
        return REFUSED if found["drifted"] else OK
    for one in found["drift"]:
        say(one["told"])
    if found["drifted"]:
        say(f"changed by others; `headgate infra plan {environment}` shows what an apply would make of it")
        return REFUSED
    say(f"nothing was changed in {environment} since the last apply")
    return OK


def _get(api: Api, named: str | None, environment: str, what: str) -> View:
    return api.get(path(application(api, named), "environments", environment, "infrastructure", what), timeout=LONG)


VERBS: dict[str, Any] = {"plan": plan, "apply": apply, "outputs": outputs, "drift": drift}
