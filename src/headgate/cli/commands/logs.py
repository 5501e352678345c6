"""headgate logs: what the instances print."""

import json

from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.plain import plain


def logs(
    environment: str,
    service: str | None = None,
    follow: bool = False,
    lines: int = 100,
    named: str | None = None,
    data: str | None = None,
    as_json: bool = False,
) -> None:
    api = Api(data)
    query = {"service": service, "lines": lines, "follow": "true" if follow else None}
    for line in api.lines(path(application(api, named), "environments", environment, "logs", **query)):
        print(json.dumps({"line": line}) if as_json else plain(line), flush=follow)
