"""headgate plan: what a file's rules will do to good and bad releases, before anything runs."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.failure import USAGE, Failure, problem_text
from headgate.cli.file import content_of, refused
from headgate.cli.output import print_json, say, table, took

HEADERS = ("a regression of", "caught", "usually", "95 % within", "at weight", "bad answers", "95 % below", "promoted")
NOTHING = "-"
SOME = 0.015  # of 64 releases: less than one; none and all are no promise
ORIGINS = {"stated": "as stated", "measured": "measured", "assumed": "assumed"}
OPTIONS = {"rate": "--rate", "errors": "--errors", "latency": "--latency"}
UNPROVEN = {"hold": "held for a person", "promote": "promoted all the same", "rollback": "put back"}

View = Mapping[str, Any]


def plan(
    file: str = "headgate.yaml",
    rate: str | None = None,
    errors: str | None = None,
    latency: str | None = None,
    data: str | None = None,
    as_json: bool = False,
) -> None:
    from headgate import bootstrap
    from headgate.spec import units
    from headgate.spec.problems import SpecificationError

    stated = (
        _stated(units.rate, rate, OPTIONS["rate"]),
        _stated(units.percentage, errors, OPTIONS["errors"]),
        _stated(_milliseconds, latency, OPTIONS["latency"]),
    )
    try:
        found = bootstrap.plan(content_of(file), file, *stated, ask=_server(data))
    except SpecificationError as error:
        raise refused(error, file) from error
    for one in found["environments"]:
        one["horizon"] = _horizon(data, found["application"], one["environment"])
    print_json(found) if as_json else _told(found)


def _horizon(data: str | None, application: str, environment: str) -> View | None:
    """How far back one may go there now; nothing where no server runs, or where it does not know the environment."""
    try:
        found = Api(data).get(path(application, "environments", environment)).get("horizon")
    except Failure:
        return None
    return found if isinstance(found, dict) else None


def _stated(read: Callable[[str], float], text: str | None, option: str) -> float | None:
    from headgate.spec.units import Unsuitable

    try:
        return None if text is None else read(text)
    except Unsuitable as error:
        what = f"{option} is not understood; allowed: {error.allowed}"
        raise Failure(what, text or "", error.remedy, USAGE) from error


def _milliseconds(text: str) -> float:
    from headgate.spec.units import duration

    return duration(text, timedelta(milliseconds=1), timedelta(minutes=5)) / timedelta(milliseconds=1)


def _server(data: str | None) -> Callable[[str, str], View]:
    """What a running server has measured; nothing where none runs, or where it does not know the environment."""
    try:
        api = Api(data)
    except Failure:
        return lambda application, environment: {}

    def ask(application: str, environment: str) -> View:
        try:
            found = api.get(path(application, "environments", environment, "traffic")).get("services")
        except Failure:
            return {}
        return found if isinstance(found, dict) else {}

    return ask


def _told(found: View) -> None:
    for one in found["environments"]:
        say(f"{found['application']} / {one['environment']}")
        told = (*_traffic(one), *_judged(one), *_metrics(one), *_back(one), *_monitored(one), *_warm(one))
        for line in (", ".join(one["steps"]), *told):
            say(f"  {line}")
        if one["judged"] != "nothing":
            table(HEADERS, [_row(row) for row in one["regressions"]])
            if any(row["stopped"] > SOME for row in one["regressions"]):
                unproven = UNPROVEN[one["unproven"]]
                say(f"  the rest has proven nothing by a deadline of {_time(one['deadline'])}: {unproven}")
        say("")
    for problem in found["problems"]:
        say(f"warning: {problem_text(problem)}")


def _traffic(one: View) -> list[str]:
    if one["judged"] == "nothing":
        return []
    known, origin = one["traffic"], one["traffic"]["origin"]
    figures = (
        f"{known['requests_per_second']:.3g} requests/s ({ORIGINS[origin['rate']]})",
        f"{known['error_share'] * 100:.2g} % errors ({ORIGINS[origin['errors']]})",
        f"half within {known['p50_ms']:.0f} ms ({ORIGINS[origin['latency']]})",
    )
    lines = [f"traffic of {known['service']}: {', '.join(figures)}"]
    if assumed := [OPTIONS[name] for name, how in origin.items() if how == "assumed"]:
        lines.append(f"what is assumed was not measured here yet: say what is true with {', '.join(assumed)}")
    return lines


def _judged(one: View) -> list[str]:
    if one["judged"] == "nothing":
        return [f"{one['strategy']} without bake: nothing is measured; what no check finds, users find"]
    if one["judged"] == "canary":
        return [_promotion(one)]
    alone = f"{one['strategy']}: all users meet the release at once, and nobody is left to compare it with;"
    record = f"for {_time(one['bake'])} it is held against the stable's own record, with wide margins"
    return [alone, f"{record} (failures twice as many and 2 points more, latency doubled)", _promotion(one)]


def _promotion(one: View) -> str:
    good = one["promotion"]
    ready = f"after readiness and checks, which may take {_time(one['preparation'])}"
    if good["usual"] is None:
        return f"a good release is not proven by the deadlines: it is {UNPROVEN[one['unproven']]}"
    baked = f" (the bake's {_time(one['bake'])} included)" if one["bake"] else ""
    rest = f"; {_share(1 - good['share'])} not within the deadlines" if good["share"] < 1 - SOME else ""
    return f"a good release is promoted in {_time(good['usual'])}, 95 % in {_time(good['worst'])}{baked}, {ready}{rest}"


def _metrics(one: View) -> list[str]:
    named = ", ".join(one["metrics"])
    return [f"not foretold: the file's own metrics, which must pass too: {named}"] if named else []


def _back(one: View) -> list[str]:
    back = one["rollback"]
    most = f"deadlines.weight allows {_time(back['deadline'])}"
    safe = _safe(one.get("horizon") or {})
    if "usual" not in back:
        return [f"back on the stable: a weight switch; {most}", *safe]
    usual, worst = (f"{back[name] * 1000:.0f} ms" for name in ("usual", "worst"))
    return [f"back on the stable: a weight switch, {usual}, 99 % within {worst} ({back['origin']}); {most}", *safe]


def _safe(known: View) -> list[str]:
    if not known.get("why"):
        return [f"safe back to {known['safe_back_to']}"] if known.get("safe_back_to") else []
    return [f"safe back to {known.get('safe_back_to') or 'nothing'}; no further: {known['why']}"]


def _monitored(one: View) -> list[str]:
    known = one["monitor"]
    if known is None:
        return []
    kept = known["availability"]
    promises = [] if kept is None else [f"{kept * 100:.6g} % of requests without error"]
    promises += [f"{p['share'] * 100:.0f} % of answers within {p['seconds'] * 1000:.0f} ms" for p in known["latency"]]
    against = ", ".join(["what the old version did", *promises])
    end = "what is to blame goes back by itself" if known["on_breach"] == "rollback" else "it only calls"
    return [f"watched for {_time(known['seconds'])} after a promotion, against {against}; {end}"]


def _warm(one: View) -> list[str]:
    known = one["warm"]
    if not known["seconds"] or not known["instances"]:
        return []
    count, hours = known["instances"], known["instance_hours"]
    what = f"{count} instance{'s' if count > 1 else ''} of what was replaced stay{'s' if count == 1 else ''} up"
    return [f"{what} for {_time(known['seconds'])}: {hours:.3g} instance-hours a promotion, for going back at once"]


def _row(row: View) -> list[str]:
    if row["usual"] is None:
        return [row["what"], _share(row["caught"]), *[NOTHING] * 5, _share(row["promoted"])]
    return [
        row["what"],
        _share(row["caught"]),
        _time(row["usual"]),
        _time(row["worst"]),
        f"{row['weight'] * 100:.0f} %",
        f"{row['bad']:,.0f}",
        f"{row['worst_bad']:,.0f}",
        _share(row["promoted"]),
    ]


def _share(share: float) -> str:
    return "< 2 %" if share < SOME else "> 98 %" if share > 1 - SOME else f"{share * 100:.0f} %"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return took(seconds) if seconds >= 7200 else f"{seconds / 60:.0f} min"
