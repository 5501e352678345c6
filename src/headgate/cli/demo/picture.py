"""The live picture of a scene."""

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from headgate.cli.demo.scene import Act, Scene, users
from headgate.cli.output import bar
from headgate.cli.plain import plain

MARKS = {
    "to come": ("\u00b7", "dim"),
    "now": ("\u25b6", "bold cyan"),
    "done": ("\u2713", "green"),
    "failed": ("\u2717", "bold red"),
}
DOOR = "web"  # the service that users reach

View = dict[str, Any]


def drawn(scene: Scene) -> RenderableType:
    parts: list[RenderableType] = [Text(plain(scene.sentence), style="bold"), Text()]
    parts += [_act(act) for act in scene.acts]
    if scene.production.get("weights"):
        parts += [Text(), _revisions(scene.production)]
    trouble = "red" if scene.figures and scene.figures.bad else ""
    parts += [Text.assemble(("users ", "bold"), (users(scene), trouble)), Text()]
    parts += [Text(one, style="dim", no_wrap=True, overflow="ellipsis") for one in scene.decisions]
    return Panel(Group(*parts), title=Text(plain(scene.title), style="bold"), title_align="left", box=box.ROUNDED)


def _act(act: Act) -> Text:
    mark, style = MARKS[act.state]
    return Text.assemble((f"{mark} {act.title}", style), (f"  {plain(act.result)}" if act.result else "", "dim"))


def _revisions(view: View) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for header in ("production", "", "", "requests/s", "errors", "p50", "p99"):
        table.add_column(header, justify="left" if header in ("production", "") else "right", header_style="dim")
    rollout = view.get("rollout")
    candidate = rollout["candidate"]["revision"] if rollout else None
    for revision, weight in view["weights"].items():
        label = view.get("labels", {}).get(revision, revision)
        on_trial = revision == candidate
        shown = Text(bar(weight, 24), style="cyan" if on_trial else "green")
        name = Text(plain(f"{label} {'candidate' if on_trial else 'stable'}"))
        table.add_row(name, shown, f"{weight} %", *_rates(view.get("live", {}).get(revision, {}).get(DOOR)))
    return table


def _rates(rates: View | None) -> list[Text]:
    if not rates or "why" in rates:
        return [Text("-", style="dim")] * 4
    share = rates["error_share"] * 100
    return [
        Text(f"{rates['requests_per_second']:.0f}"),
        Text(f"{share:.2f} %", style="bold red" if share else ""),
        Text(_ms(rates["p50_ms"])),
        Text(_ms(rates["p99_ms"])),
    ]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"
