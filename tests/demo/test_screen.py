"""The demo's picture and lines."""

import io
from typing import Any

import pytest
from rich.console import Console
from tests.demo.stories import promoted_story, started

from headgate.cli.demo.picture import drawn
from headgate.cli.demo.scene import Act, Scene
from headgate.cli.demo.screen import Screen
from headgate.cli.demo.traffic import Figures
from headgate.cli.demo.watching import happening

SECOND = Figures(at=0.0, sent=300, answered=299, bad=2, waiting=1, p50_ms=4.2, p99_ms=17.6)
LIVE = {"requests_per_second": 30.0, "error_share": 0.04, "p50_ms": 5.0, "p99_ms": 21.0}
PRODUCTION: dict[str, Any] = {
    "weights": {"rev_2": 10, "rev_1": 90},
    "labels": {"rev_1": "v1", "rev_2": "v2"},
    "rollout": {"candidate": {"revision": "rev_2"}},
    "live": {"rev_2": {"web": LIVE}, "rev_1": {"web": {"why": "Envoy was not looked at"}}},
}


def text(scene: Scene) -> str:
    console = Console(file=io.StringIO(), width=110, record=True)
    console.print(drawn(scene))
    return console.export_text()


def test_the_picture_shows_what_happens_and_to_whom() -> None:
    scene = Scene("Demo", "10 % of the visitors meet v2", [Act("v1", "done", "promoted"), Act("v2", "now")], PRODUCTION)
    scene.figures, scene.served, scene.bad = SECOND, 1000, 2
    scene.decisions.append("12:00:00 production: verdict pass")
    shown = text(scene)
    for part in ("10 % of the visitors", "v2 candidate", "10 %", "4.00 %", "21 ms", "v1 stable", "verdict pass"):
        assert part in shown
    assert "2 bad of 1,000 answers" in shown


def test_the_picture_of_nothing_yet() -> None:
    assert "nobody yet" in text(Scene("Demo", "a server starts"))


def test_lines_carry_time_and_no_control_characters() -> None:
    stream = io.StringIO()
    screen = Screen(stream)
    screen.say("a developer commits \x1b[31mv2")
    screen.decided("production", {"at": "2026-11-23T08:00:00+00:00", "text": "step 1 done"})
    screen.scene.figures = SECOND
    screen.show()
    screen.show()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3, "numbers only now and then"
    assert lines[0].endswith(" a developer commits v2")
    assert lines[1].endswith("  production: step 1 done")
    assert "299/s, 2 bad, p99 18 ms" in lines[2]


@pytest.mark.parametrize(
    ("weight", "phase", "said"),
    [
        (0, "running", "v3 gets ready in production beside v2, without users"),
        (10, "running", "10 % of the visitors meet v3"),
        (100, "running", "everyone is on v3"),
        (0, "aborting", "v3 is put back: all traffic returns to v2"),
    ],
)
def test_what_happens_is_said_in_words(weight: int, phase: str, said: str) -> None:
    view = {"stable": {"label": "v2"}, "rollout": {"weight": weight, "phase": phase}}
    assert happening("v3", view, []).startswith(said)


def test_staging_is_told_while_nothing_rolls_out_in_production() -> None:
    at_work = [started(100)]
    assert happening("v3", {"rollout": None}, at_work) == "v3 is tried in staging, where no user is"
    assert happening("v3", {"rollout": None}, promoted_story()) == ""
