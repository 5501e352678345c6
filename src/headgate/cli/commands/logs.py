"""headgate logs: what the instances print, or the steps of a build."""

import json

from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.failure import USAGE, Failure
from headgate.cli.plain import plain


def logs(  # noqa: PLR0913, PLR0917 - each is an option
    environment: str | None = None,
    service: str | None = None,
    follow: bool = False,
    lines: int = 100,
    build: str | None = None,
    step: str | None = None,
    named: str | None = None,
    data: str | None = None,
    as_json: bool = False,
) -> None:
    if (environment is None) == (build is None):
        remedy = "Write `headgate logs ENV`, or `headgate logs --build BUILD`."
        raise Failure("an environment or a build is missing, or both are named", "", remedy, USAGE)
    api = Api(data)
    where, followed = application(api, named), "true" if follow else None
    if build is not None:
        asked = path(where, "builds", build, "logs", step=step, follow=followed)
    else:
        asked = path(where, "environments", str(environment), "logs", service=service, lines=lines, follow=followed)
    for line in api.lines(asked):
        print(json.dumps({"line": line}) if as_json else plain(line), flush=follow)
