"""Every claim of the demo can fail, and says what was seen."""

from subprocess import CompletedProcess
from typing import Any

import pytest
from tests.demo.stories import ERRORS, LATENCY, aborted_story, journey, promoted_story, rollout

from headgate.cli.demo import claims
from headgate.cli.demo.answers import Answer
from headgate.cli.demo.summary import Claim, Journey, figures

OK = CompletedProcess(["headgate"], 0, "12 rows, each as it was written", "")
DAMAGED = CompletedProcess(["headgate"], 1, "", "headgate: the event log is damaged")
REFUSED = CompletedProcess(["headgate"], 1, "", "headgate: v3 is quarantined: it was aborted in production")
AWAY = CompletedProcess(["headgate"], 3, "", "headgate: no server is running")
SERVING = {"stable": {"label": "v2", "revision": "rev_2"}, "weights": {"rev_2": 100}, "rollout": None}
GOOD = journey("v2", rollout(promoted_story(at=100)), asked=95)
FAILING = journey("v3", rollout(aborted_story(at=200)), asked=195)
SLOW = journey("v4", rollout(aborted_story(at=300, why=LATENCY)), asked=295)


def answers(*more: Answer) -> list[Answer]:
    steady = [Answer(90 + n / 10, 10, 200, "/", n % 9) for n in range(2300)]
    return [*steady, Answer(205, 10, 500, "/", 1), *more]


def made(
    journeys: tuple[Journey, ...] = (GOOD, FAILING, SLOW),
    seen: list[Answer] | None = None,
    production: dict[str, Any] = SERVING,
    refusal: "CompletedProcess[str]" = REFUSED,
    audit: "CompletedProcess[str]" = OK,
) -> list[Claim]:
    found = figures(100, "", list(journeys), answers() if seen is None else seen)
    refusals = [(label, name, refusal) for label in ("v3", "v4") for name in ("staging", "production")]
    return claims.made(found, production, refusals, audit)


def broken(claimed: list[Claim]) -> list[str]:
    return [claim.text for claim in claimed if not claim.held]


def test_all_hold_when_all_went_as_it_should() -> None:
    assert broken(made()) == []


CANDIDATE = {**SERVING, "rollout": {"id": "rol_9"}}
HALF = {**SERVING, "weights": {"rev_2": 50}}
V4 = {"stable": {"label": "v4", "revision": "rev_4"}, "weights": {"rev_4": 100}, "rollout": None}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"journeys": (journey("v2", FAILING.production), FAILING, SLOW)}, "v2 passed staging"),
        ({"journeys": (journey("v2", None), FAILING, SLOW)}, "v2 passed staging"),
        ({"seen": answers(Answer(101, 10, 503, "/", 0))}, "no request failed while v2"),
        ({"seen": []}, "no request failed while v2"),
        ({"journeys": (GOOD, journey("v3", rollout(promoted_story(at=200))), SLOW)}, "v3 was put back"),
        ({"journeys": (GOOD, journey("v3", rollout(aborted_story(at=200, why=LATENCY))), SLOW)}, "v3 was put back"),
        ({"journeys": (GOOD, journey("v3", rollout(aborted_story(at=200, by="ann"))), SLOW)}, "v3 was put back"),
        ({"journeys": (GOOD, FAILING, journey("v4", rollout(aborted_story(at=300, why=ERRORS))))}, "v4 was put back"),
        ({"journeys": (GOOD, FAILING)}, "v4 was put back"),
        ({"production": CANDIDATE}, "v2 has all the traffic"),
        ({"production": HALF}, "v2 has all the traffic"),
        ({"production": V4}, "v2 has all the traffic"),
        ({"production": {}}, "v2 has all the traffic"),
        ({"refusal": OK}, "v3 and v4 are quarantined"),
        ({"refusal": AWAY}, "v3 and v4 are quarantined"),
        ({"seen": answers(Answer(310, 10, 0, "/", 0))}, "no request failed but through v3"),
        ({"audit": DAMAGED}, "the event log verifies"),
    ],
)
def test_each_can_break(given: dict[str, Any], text: str) -> None:
    assert any(claim.startswith(text) for claim in broken(made(**given)))


def test_a_broken_claim_says_where_to_look() -> None:
    nothing = made((), [], {}, OK, DAMAGED)
    assert all(claim.look for claim in nothing)
    assert len(broken(nothing)) == len(nothing)


def test_the_ending_of_a_version_in_words() -> None:
    assert claims.ending(GOOD) == "promoted in production"
    assert claims.ending(FAILING) == f"put back in production: {ERRORS}"
    assert claims.ending(Journey("v2", 1, 1, None, None)) == "never started"
