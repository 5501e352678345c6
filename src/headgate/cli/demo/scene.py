"""All that the demo has to show at one moment."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from headgate.cli.demo.traffic import Figures

View = dict[str, Any]
LAST = 7  # decisions that a picture shows


@dataclass(slots=True)
class Act:
    title: str
    state: Literal["to come", "now", "done", "failed"] = "to come"
    result: str = ""


@dataclass(slots=True)
class Scene:
    title: str = ""
    sentence: str = ""
    acts: list[Act] = field(default_factory=list)
    production: View = field(default_factory=dict)
    figures: Figures | None = None
    served: int = 0
    bad: int = 0
    decisions: deque[str] = field(default_factory=lambda: deque(maxlen=LAST))


def users(scene: Scene) -> str:
    """What the load generator saw in the latest second, and how many bad answers there were in all."""
    one = scene.figures
    if one is None:
        return "nobody yet"
    p99 = "-" if one.p99_ms is None else f"{one.p99_ms:.0f} ms"
    return f"{one.answered}/s, {one.bad} bad, p99 {p99}; {scene.bad} bad of {scene.served:,} answers so far"
