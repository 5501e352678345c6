"""The figures of the real releases, into docs/verdicts.md between markers of their own."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.verdicts.real.planned import planned

DOCS = Path(__file__).parents[3] / "docs"
BEGIN, END = "<!-- written by python -m benchmarks.verdicts.real --report: begin -->", "<!-- real releases: end -->"
Run = dict[str, Any]
Kind = dict[str, Any]


def write(folder: Path) -> None:
    runs = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"), reverse=True)]
    page = DOCS / "verdicts.md"
    before, found, rest = page.read_text().partition(BEGIN)
    if not found:
        raise SystemExit(f"{page} has no line {BEGIN}")
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{tables(runs)}\n\n{END}{after}")


def tables(runs: Sequence[Run]) -> str:
    good = [run for run in runs if "" in run["kinds"]]
    planted = [run for run in runs if "" not in run["kinds"]]
    parts = [_good(good), *map(_settings, good), _arms(good[0])] if good else []
    for run in planted:
        parts += [_defects(run), _settings(run)]
    return "\n\n".join(parts)


def _settings(run: Run) -> str:
    load, errors, latency, p99 = run["load"], run["errors"], run["latency"], run["p99"]
    moved = "then held" if run["unproven"] == "hold" else f"unproven: {run['unproven']}"
    weights = ", ".join(map(str, run["weights"]))
    sentences = [
        f"*{_name(run)}*: {run['date'][:10]}, commit {run['commit']}, {run['cores']} cores shared with others",
        f"(load average {load['p50']:.1f}, at most {load['most']:.1f}); {run['lanes']} applications side by side with",
        f"{run['requests_per_second'] / run['lanes']:.0f} requests/s each; {weights} %, each for",
        f"{run['at_least_seconds']:g} s at least and {run['deadline_seconds']:g} s at most ({moved});",
        f"blip {run['blip_seconds']:g} s, bake {run['bake_seconds']} s.",
        f"Harm is more than {errors['harm'] * 100:g} points of errors or {latency['harm'] * 100:g} % of latency;",
        f"a proof rules out {errors['promotion'] * 100:g} points, {latency['promotion'] * 100:g} % of latency and",
        f"{p99['promotion'] * 100:g} % at p99.",
    ]
    return " ".join(sentences)


def _name(run: Run) -> str:
    if "" not in run["kinds"]:
        return "Planted defects"
    return "Good, moved by proofs" if run["unproven"] == "hold" else "Good, moved by the clock"


def _good(runs: Sequence[Run]) -> str:
    head = ["good releases", "number", "promoted", "put back", "held", "otherwise", "put back at most (95 %)"]
    head += ["median candidate requests", "nearest to being put back", "median / p95 s to promotion"]
    return _table(head, [_good_row(_name(run), run["kinds"][""]) for run in runs])


def _good_row(name: str, kind: Kind) -> list[str]:
    outcomes: Mapping[str, int] = kind["outcomes"]
    counts = [str(outcomes.get(one, 0)) for one in ("promoted", "put back", "held", "ended otherwise")]
    nearest = f"{kind['highest_harm']['most'] * 100:.0f} % of the evidence it takes"
    requests = f"{kind['candidate_requests']['p50']:,.0f}"
    most = f"{kind['put_back_at_most'] * 100:.1f} %"
    return [name, str(kind["releases"]), *counts, most, requests, nearest, _pair(kind["verdict_seconds"])]


def _arms(run: Run) -> str:
    head = ["weight of a good candidate", *(f"{name}: it is slower by" for name in run["arms"])]
    head += [f"{name}: stable's p50 / p99 ms" for name in run["arms"]]
    rows = []
    for weight in (0, *run["weights"]):
        arms = [by.get(str(weight), {}) for by in run["arms"].values()]
        slower = [_percent(one.get("candidate_slower")) for one in arms]
        usual = [f"{one.get('stable_p50_ms', 0):.0f} / {one.get('stable_p99_ms', 0):.0f}" for one in arms]
        rows.append([f"{weight} %" if weight else "0 %: it starts", *slower, *usual])
    return _table(head, rows)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:+.1f} %"


def _defects(run: Run) -> str:
    head = ["planted", "caught", "median / p95 s to the verdict", "bad answers of users, median / p95"]
    head += ["planned: caught", "usual / worst s", "bad answers"]
    return _table(head, [_defect_row(run, name) for name in run["kinds"]])


def _defect_row(run: Run, name: str) -> list[str]:
    kind, expected = run["kinds"][name], planned(run, name)
    caught = f"{kind['outcomes'].get('put back', 0)} of {kind['releases']}"
    row = [name, caught, _pair(kind["verdict_seconds"]), _pair(kind["bad_answers"])]
    if expected is None:
        return [*row, "-", "-", "-"]
    bad = "-" if expected.bad is None else f"{expected.bad:.0f}"
    return [*row, f"{expected.caught * 100:.0f} %", f"{_or(expected.usual)} / {_or(expected.worst)}", bad]


def _or(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f}"


def _pair(spread: Mapping[str, float] | None) -> str:
    return f"{spread['p50']:.0f} / {spread['p95']:.0f}" if spread else "-"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
