"""Tables and a plot from the results, into docs/verdicts.md (between its markers) and docs/verdicts.svg."""

import json
from pathlib import Path
from typing import Any

from benchmarks.verdicts.bars import Results, bars
from benchmarks.verdicts.cells import REGRESSIONS, every
from benchmarks.verdicts.planned import planned
from benchmarks.verdicts.plot import dots

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- written by python -m benchmarks.verdicts --report: begin -->", "<!-- end -->"
JUDGES = ("headgate", "flagger", "flagger tuned", "argo", "argo tuned", "kayenta once", "kayenta every minute")


def load(folder: Path) -> Results:
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    order = {cell.name: number for number, cell in enumerate(every())}
    return {one["cell"]: one for one in sorted(found, key=lambda one: order[one["cell"]])}


def write(folder: Path) -> None:
    results = load(folder)
    page = DOCS / "verdicts.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{tables(results)}\n{END}{after}")
    (DOCS / "verdicts.svg").write_text(dots(results, JUDGES, tuple(REGRESSIONS)))


def tables(results: Results) -> str:
    sizes = sorted({one["releases"] for one in results.values()})
    seeds = sorted(one["seed"] for one in results.values())
    parts = [
        f"{len(results)} cells of {' or '.join(f'{n:,}' for n in sizes)} releases, seeds {seeds[0]} to {seeds[-1]}.",
        "### Bars\n\n" + _bars(results),
        "### Put back though nothing is worse (% of releases)\n\n" + _nulls(results),
    ]
    parts += [
        f"### Found, at {rate} requests/s and 0.5 % errors\n\n" + _detections(results, rate) for rate in (500, 50, 1500)
    ]
    parts.append("### Good releases, moved by their proofs\n\n" + _promotions(results))
    parts.append("### Exactly at the margin that promotion must rule out\n\n" + _margins(results))
    parts.append("### Planned and tried\n\n" + planned(results))
    return "\n\n".join(parts) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _bars(results: Results) -> str:
    rows = [
        [one.what, f"{one.most:g}", "" if one.found is None else f"{one.found:.4g}", one.reached]
        for one in bars(results)
    ]
    return _table(["bar", "at most", "measured", ""], rows)


def _nulls(results: Results) -> str:
    rows = []
    for cell, one in results.items():
        if one["group"] in ("null", "clusters", "blip", "offset"):
            shares = [one["judges"].get(name, {}).get("back", {}).get("share") for name in JUDGES]
            rows.append([cell, *("" if share is None else f"{share * 100:.2f}" for share in shares)])
    return _table(["world", *JUDGES], rows)


def _detections(results: Results, rate: int) -> str:
    rows = []
    names = [f"{name} {rate}/s" for name in REGRESSIONS] + (["+5 pp at 240 s 500/s"] if rate == 500 else [])
    for cell in names:
        if cell in results:
            found = results[cell]["judges"]
            latency = cell.startswith("p")
            rows.append([cell.removesuffix(f" {rate}/s"), *(_found(found[name], latency) for name in JUDGES)])
    head = ["regression", *JUDGES]
    note = (
        "Share found within 600 s; median / p95 seconds; median of excess bad answers until then"
        " (latency rows: answers of the candidate)."
    )
    return note + "\n\n" + _table(head, rows)


def _found(judged: dict[str, Any], latency: bool) -> str:
    share = judged["found"]["share"]
    if share < 0.0005 or not judged["seconds"]:
        return "-"
    seconds, cost = judged["seconds"], judged["requests" if latency else "bad"]["p50"]
    percent = "" if share >= 0.9995 else f"{share * 100:.1f} %, "
    return f"{percent}{seconds['p50']:.0f} / {seconds['p95']:.0f} s, {cost:,.0f}"


def _promotions(results: Results) -> str:
    rows = []
    for cell, one in results.items():
        if one["group"] == "promotion":
            judged = one["judges"]["headgate"]
            when = judged["promoted_seconds"] or {"p50": float("nan"), "p95": float("nan")}
            rows.append(
                [
                    cell.removeprefix("promoted "),
                    f"{judged['promoted']['share'] * 100:.1f}",
                    f"{when['p50']:.0f} / {when['p95']:.0f}",
                    f"{judged['back']['share'] * 100:.2f}",
                ]
            )
    return _table(["traffic, errors", "proven in 30 min, %", "median / p95 s of those", "put back, %"], rows)


def _margins(results: Results) -> str:
    rows = []
    for cell, one in results.items():
        if one["group"] == "margin":
            judged = one["judges"]["headgate"]
            rows.append([cell, f"{judged['promoted']['share'] * 100:.2f}", f"{judged['back']['share'] * 100:.1f}"])
    return _table(["world", "promoted, %", "put back, %"], rows)
