"""headgate builds: commits on their way through CI, or one of them."""

from typing import Any

from headgate.cli.act import person
from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.failure import USAGE, Failure
from headgate.cli.output import age, print_json, say, table, took

HEADERS = ("build", "label", "branch", "state", "took", "release", "asked", "subject")


def builds(
    build: str | None = None,
    cancel: bool = False,
    named: str | None = None,
    data: str | None = None,
    by: str | None = None,
    why: str | None = None,
    as_json: bool = False,
) -> None:
    if cancel and build is None:
        raise Failure("which build?", "--cancel", "Name it: `headgate builds BUILD --cancel`.", USAGE)
    api = Api(data)
    name = application(api, named)
    if build is None:
        _listed(api.get(path(name, "builds")), name, as_json)
    elif cancel:
        body = {"by": by or person(), **({"why": why} if why else {})}
        _one(api.post(path(name, "builds", build, "cancel"), body), as_json)
    else:
        _one(api.get(path(name, "builds", build)), as_json)


def _listed(answer: dict[str, Any], name: str, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    elif not answer["builds"]:
        say(f"{name} has no build yet; `headgate release` makes one where the applied file has `pipeline: {{ci: ...}}`")
    else:
        table(HEADERS, [_row(one, str(answer["now"])) for one in answer["builds"]])


def _row(one: dict[str, Any], now: str) -> list[str]:
    asked = f"{age(now, one['requested_at'])} ago"
    what = [one["build"], one["label"], one["branch"], one["state"]]
    return [*what, took(one["seconds"]), one["release"] or "-", asked, one["subject"]]


def _one(view: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    say(f"{view['build']}  {view['label']}  {view['branch']}  {view['subject']}")
    say(f"{view['state']} after {took(view['seconds'])}{': ' + view['why'] if view['why'] else ''}")
    for step in view["steps"]:
        for line in step_lines(step):
            say(line)
    for image in view["images"]:
        say(f"  image of {image['service']} {image['text']}: {image['reference']}")
    for one in view["waits_for"]:
        say(f"waits for: {one}")


def step_lines(step: dict[str, Any]) -> list[str]:
    """One step with its failed tests and worst findings, each in a line of its own."""
    if step["state"] == "waiting":
        return [f"  {step['step']}: waits for {', '.join(step['needs']) or 'its turn'}"]
    again = f" (attempt {step['attempt']})" if step["attempt"] > 1 else ""
    head = f"  {step['step']}: {step['state']}{again}, {took(step['seconds'])}{_counts(step)}"
    why = step["why"] if step["state"] not in ("passed", "running") else ""
    return [f"{head}{': ' + why if why else ''}", *details(step)]


def details(step: dict[str, Any]) -> list[str]:
    """Failed tests by name, and findings by place."""
    tests, findings = step.get("tests") or {}, step.get("findings") or {}
    names = [f"    failed: {name}" for name in tests.get("names", ())]
    more = tests.get("failed", 0) - len(names)
    found = [f"    {f['severity']}: {f['place']} {f['rule']}: {f['message']}" for f in findings.get("worst", ())]
    return [*names, *([f"    and {more} more failed tests"] if more > 0 else []), *found]


def _counts(step: dict[str, Any]) -> str:
    tests, findings = step.get("tests"), step.get("findings")
    told = f", {tests['total']} tests, {tests['failed']} failed, {tests['skipped']} skipped" if tests else ""
    counts = [f"{count} {severity}s" for severity, count in findings["counts"].items() if count] if findings else []
    return told + (f", findings: {', '.join(counts) or 'none'}" if findings else "")
