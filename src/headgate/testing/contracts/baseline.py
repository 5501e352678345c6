"""What every traffic router must hold of candidate, baseline and stable together. The stage is that of `traffic.py`."""

from collections import Counter

import pytest

from headgate.model.ids import RevisionId
from headgate.model.routes import Backend, Routes, baseline_weight
from headgate.testing.contracts.traffic import (
    CANDIDATE,
    PRODUCTION,
    SIDE_HEADERS,
    STABLE,
    Stage,
    addresses,
    crowd,
    together,
    within,
)

BASELINE = RevisionId("rev_0123456789ab")
SIDES = {CANDIDATE: "candidate", BASELINE: "baseline", STABLE: "stable"}
VISITORS = 400

Endpoints = dict[RevisionId, dict[str, tuple[str, ...]]]


class BaselineContract:
    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError("give a fixture `stage`: an empty router and what is needed to use it")

    @pytest.fixture
    async def endpoints(self, stage: Stage) -> Endpoints:
        return {
            revision: {name: (await stage.instance(f"{name}-{side}"),) for name in ("quotes", "web")}
            for revision, side in SIDES.items()
        }

    @pytest.fixture
    def routes(self, endpoints: Endpoints) -> "Beside":
        return Beside(endpoints)

    @pytest.mark.parametrize("weight", [0, 5, 50, 60])
    @pytest.mark.parametrize("sticky", [True, False], ids=["sticky", "each request for itself"])
    async def test_what_was_set_is_read_back(self, stage: Stage, routes: "Beside", weight: int, sticky: bool) -> None:
        wanted = routes(weight, sticky)
        await stage.router.set_routes(wanted)
        assert (await stage.router.observe(PRODUCTION)).routes == wanted

    async def test_a_service_that_only_the_candidate_has_is_read_back(self, stage: Stage, routes: "Beside") -> None:
        more = {"api": (await stage.instance("api-candidate"),), **routes.endpoints[CANDIDATE]}
        wanted = Beside({**routes.endpoints, CANDIDATE: more})(25)
        await stage.router.set_routes(wanted)
        assert (await stage.router.observe(PRODUCTION)).routes == wanted

    @pytest.mark.parametrize("weight", [5, 25, 50])
    async def test_traffic_is_shared_by_weight(self, stage: Stage, routes: "Beside", weight: int) -> None:
        await stage.router.set_routes(routes(weight))
        answers = await crowd(stage, (await addresses(stage))["web"].public, VISITORS)
        for revision, share in shares(weight).items():
            assert within(answers[f"web-{SIDES[revision]}"], VISITORS, share / 100), answers

    async def test_everybody_goes_home_in_one_step(self, stage: Stage, routes: "Beside") -> None:
        url = (await addresses(stage))["web"].public
        for _ in range(3):
            await stage.router.set_routes(routes(50))
            await stage.router.set_routes(routes.home())
            assert await crowd(stage, url, 20) == {"web-stable": 20}

    @pytest.mark.parametrize("header", SIDE_HEADERS)
    async def test_a_request_stays_on_its_side(self, stage: Stage, routes: "Beside", header: str) -> None:
        """Web of the candidate is answered by its own quotes, and so is web of the baseline."""
        await stage.router.set_routes(routes(40))
        found = await addresses(stage)
        sides: Counter[str] = Counter()
        for _ in range(60):
            web = await stage.ask(found["web"].public)
            quotes = await stage.ask(found["quotes"].mesh, {header: web.side[header]})
            assert quotes.by.removeprefix("quotes-") == web.by.removeprefix("web-")
            sides[web.by] += 1
        assert len(sides) == 3

    @pytest.mark.timeout(180)
    async def test_visitors_never_go_back_to_the_old_code(self, stage: Stage, routes: "Beside") -> None:
        """Raising the weight, or giving the baseline up, moves nobody who has met the candidate."""
        await stage.router.set_routes(routes(5, sticky=True))
        url = (await addresses(stage))["web"].public
        first = await together([stage.ask(url) for _ in range(VISITORS)])
        cookies = [one.cookies for one in first]
        on_candidate = {number for number, one in enumerate(first) if one.by == "web-candidate"}
        for weight, wanted in STAGES:
            await stage.router.set_routes(routes(weight, sticky=True) if wanted else routes.alone(weight))
            answers = await together([stage.ask(url, cookies=cookie) for cookie in cookies])
            now = {number for number, one in enumerate(answers) if one.by == "web-candidate"}
            assert on_candidate <= now, "visitors moved back to the old code"
            assert within(len(now), VISITORS, weight / 100)
            beside = sum(one.by == "web-baseline" for one in answers)
            assert within(beside, VISITORS, baseline_weight(weight) / 100 if wanted else 0)
            on_candidate = now


STAGES = ((5, True), (25, True), (25, False), (25, True), (50, True), (60, True), (60, False), (100, False))


class Beside:
    """Routes of three revisions, told by the candidate's weight."""

    def __init__(self, endpoints: Endpoints) -> None:
        self.endpoints = endpoints

    def __call__(self, weight: int, sticky: bool = False) -> Routes:
        backends = tuple(Backend(one, share, self.endpoints[one]) for one, share in shares(weight).items())
        return Routes(PRODUCTION, backends, CANDIDATE, sticky)

    def alone(self, weight: int) -> Routes:
        """The baseline is given up, and drains."""
        parts = {CANDIDATE: weight, STABLE: 100 - weight, BASELINE: 0}
        backends = tuple(Backend(one, share, self.endpoints[one]) for one, share in parts.items())
        return Routes(PRODUCTION, backends, CANDIDATE, sticky=True)

    def home(self) -> Routes:
        parts = {STABLE: 100, CANDIDATE: 0, BASELINE: 0}
        return Routes(PRODUCTION, tuple(Backend(one, share, self.endpoints[one]) for one, share in parts.items()))


def shares(weight: int) -> dict[RevisionId, int]:
    beside = baseline_weight(weight)
    return {CANDIDATE: weight, BASELINE: beside, STABLE: 100 - weight - beside}
