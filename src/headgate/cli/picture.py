"""What `headgate watch` shows: the picture for a terminal, and the same numbers in one line."""

from typing import TYPE_CHECKING, Any

from headgate.cli.checked import checked
from headgate.cli.follow import QUIET, line
from headgate.cli.monitored import monitored, seen
from headgate.cli.output import bar, took
from headgate.cli.plain import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

LAST_EVENTS = 6
MARKS = ("\u2713", "\u25b6", "\u00b7")  # done, current, still to come

View = dict[str, Any]


def numbers(view: View) -> str:
    """weight 25 %; v2 web 120.0/s 0.00 % p99 12 ms; v1 web 361.2/s 0.00 % p99 11 ms; step 4 of 9, analyze: ..."""
    rollout, labels = view.get("rollout"), view.get("labels", {})
    parts = [f"weight {rollout['weight']} %"] if rollout else []
    for revision, services in view.get("live", {}).items():
        for service, rates in services.items():
            parts.append(f"{labels.get(revision, revision)} {service} {_rates(rates)}")
    waits = view.get("waits_for") or []
    parts += [str(waits[0])] if waits else []
    parts += [] if rollout else [*monitored(view), *seen(view)]
    return plain("; ".join(parts) or "nothing is in flight")


def _rates(rates: View) -> str:
    if "why" in rates:
        return str(rates["why"])
    p99 = f"p99 {_ms(rates['p99_ms'])}"
    return f"{rates['requests_per_second']:.1f}/s {rates['error_share'] * 100:.2f} % {p99}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


class Picture:
    def __init__(self) -> None:
        self._events: list[View] = []

    def drawn(self, view: View, events: list[View]) -> "RenderableType":
        from rich.console import Group
        from rich.panel import Panel
        from rich.text import Text

        self._events = [*self._events, *(e for e in events if e["kind"] not in QUIET)][-LAST_EVENTS:]
        rollout = view.get("rollout")
        parts: list[RenderableType] = [_head(view), Text()]
        if rollout:
            parts += [_steps(rollout), Text()]
        parts += [part for one in checked(view) for part in (Text(plain(one)), Text())]
        parts += [_weights(view), Text(), _live(view)]
        parts += [*_evidence(view), *_conditions(view), *_verdict(view)]
        parts += [Text(plain(f"watches: {sight}"), style="cyan") for sight in seen(view)]
        parts += [Text(f"waits for: {plain(why)}", style="yellow") for why in view.get("waits_for", [])]
        parts += [Text(), *(Text(line(event), style="dim") for event in self._events)]
        title = Text(plain(f"{view['application']} / {view['environment']}"), style="bold")
        return Panel(Group(*parts), title=title, title_align="left")


def _verdict(view: View) -> "list[RenderableType]":
    """Where what is waited for does not say it already."""
    from rich.text import Text

    verdict = view["rollout"]["verdict"] if view.get("rollout") else None
    if verdict is None or any(verdict["why"] in why for why in view.get("waits_for", [])):
        return []
    return [Text(plain(f"verdict {verdict['outcome']}: {verdict['why']}"))]


def _head(view: View) -> "RenderableType":
    from rich.text import Text

    rollout, stable, waiting = view.get("rollout"), view.get("stable"), view.get("waiting")
    if rollout:
        candidate = rollout["candidate"]["label"]
        candidate += f" beside {rollout['baseline']['label']}" if rollout.get("baseline") else ""
        what = f"{rollout['kind']} of {candidate}, {rollout['strategy']}, {rollout['phase']}, by {rollout['by']}"
        what += ", BREAK-GLASS" if rollout.get("break_glass") else ""
    else:
        what = f"{stable['label']} is stable" if stable else "nothing serves yet"
        what += "".join(f", {one}" for one in monitored(view))
    return Text(plain(what + (f"; {waiting['label']} waits" if waiting else "")))


def _steps(rollout: View) -> "RenderableType":
    from rich.text import Text

    text = Text()
    position = rollout["position"]
    for index, step in enumerate(rollout["steps"]):
        mark, style = (
            (MARKS[0], "green")
            if index < position
            else (MARKS[1], "bold cyan")
            if index == position
            else (MARKS[2], "dim")
        )
        for_long = f" ({took(rollout['step_seconds'])})" if index == position else ""
        unbroken = f"{mark} {plain(step)}{for_long}".replace(" ", "\u00a0")
        text.append(f"{unbroken}   ", style=style)
    return text


def _weights(view: View) -> "RenderableType":
    from rich.text import Text

    text = Text()
    for revision, weight in view.get("weights", {}).items():
        text.append(f"{plain(view['labels'].get(revision, revision)):<12} ")
        text.append(bar(weight, 30), style="cyan" if _is_candidate(view, revision) else "green")
        text.append(f" {weight} %\n")
    return text


def _live(view: View) -> "RenderableType":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "service", "requests/s", "errors", "p50", "p99"):
        table.add_column(column, justify="left" if column in ("", "service") else "right")
    for revision, services in view.get("live", {}).items():
        label = plain(view["labels"].get(revision, revision))
        side = " (candidate)" if _is_candidate(view, revision) else "" if _is_baseline(view, revision) else " (stable)"
        for service, rates in sorted(services.items()):
            table.add_row(Text(f"{label}{side}"), Text(plain(service)), *_cells(rates))
    return table


def _cells(rates: View) -> "list[RenderableType]":
    from rich.text import Text

    if "why" in rates:
        return [Text(plain(rates["why"]), style="yellow")]
    share = rates["error_share"] * 100
    return [
        Text(f"{rates['requests_per_second']:.1f}"),
        Text(f"{share:.2f} %", style="red" if share else ""),
        Text(_ms(rates["p50_ms"])),
        Text(_ms(rates["p99_ms"])),
    ]


def _evidence(view: View) -> "list[RenderableType]":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    known = (view.get("rollout") or {}).get("evidence") or {}
    if not known.get("metrics"):
        return []
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("evidence")
    for column, needed, end in (("worse", "puts_back", "puts it back"), ("as good", "passes", "each: passes")):
        table.add_column(f"{column} ({known[needed]} {end})", justify="right")
    for one in known["metrics"]:
        worse = Text(one["worse"], style="red" if one["harmful"] else "")
        table.add_row(Text(plain(one["text"])), worse, Text(one["good"], style="green" if one["proven"] else ""))
    return [table]


def _conditions(view: View) -> "list[RenderableType]":
    """The file's own metrics, one line each."""
    from rich.text import Text

    known = (view.get("rollout") or {}).get("evidence") or {}
    styles = {"fail": "red", "pass": "green"}
    return [
        Text(plain(f"{one['outcome']}: {one['text']}"), style=styles.get(one["outcome"], ""))
        for one in known.get("conditions", [])
    ]


def _is_candidate(view: View, revision: str) -> bool:
    rollout = view.get("rollout")
    return bool(rollout and rollout["candidate"]["revision"] == revision and rollout["phase"] != "retiring")


def _is_baseline(view: View, revision: str) -> bool:
    """Its label says so itself."""
    baseline = (view.get("rollout") or {}).get("baseline")
    return bool(baseline and baseline["revision"] == revision)
