"""What every traffic router must hold. Subclass, and give a fixture `stage`: router, instances and visitors."""

import asyncio
import math
import re
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import pytest

from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.routes import Address, Backend, Routes
from headgate.model.rules import Audience
from headgate.ports import AdapterError, TrafficRouter

PRODUCTION = EnvironmentId("pcw/production")
STAGING = EnvironmentId("pcw/staging")
STABLE = RevisionId("rev_000000000001")
CANDIDATE = RevisionId("rev_000000000002")
BETA = Audience({"X-Beta": "1"})
SIDE_HEADERS = ("x-headgate-revision", "baggage")  # what services pass on
AT_ONCE = 20  # requests on their way at the same time


@dataclass(frozen=True)
class Answer:
    status: int
    by: str = ""  # name of the instance
    cookies: dict[str, str] = field(default_factory=dict)  # that the answer sets
    received: dict[str, str] = field(default_factory=dict)  # headers as the instance got them, names in lower case
    text: str = ""

    @property
    def side(self) -> dict[str, str]:
        """The headers that a service passes on to other services of its application."""
        return {name: self.received[name] for name in SIDE_HEADERS if name in self.received}


class Stage(Protocol):
    router: TrafficRouter

    async def instance(self, name: str, takes: timedelta = timedelta(0)) -> str:
        """Start one that answers with its name; returns host:port."""
        ...

    async def ask(
        self, url: str, headers: Mapping[str, str] | None = None, cookies: Mapping[str, str] | None = None
    ) -> Answer:
        """GET / at one of the router's addresses."""
        ...

    async def restart(self) -> None:
        """The server dies and comes back: `router` is a new one that knows only what the old one wrote down."""
        ...

    def free_port(self) -> int: ...


def within(hits: int, of: int, share: float) -> bool:
    """Five standard deviations: once in two million runs by chance."""
    return abs(hits - of * share) <= 5 * math.sqrt(of * share * (1 - share)) + 0.5


class TrafficRouterContract:
    nobody: frozenset[int] = frozenset({503})  # what visitors are told where nobody serves

    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError("give a fixture `stage`: an empty router and what is needed to use it")

    @pytest.fixture
    async def endpoints(self, stage: Stage) -> dict[RevisionId, dict[str, tuple[str, ...]]]:
        """One instance of each service of each side, named SERVICE-SIDE."""
        sides = {STABLE: "stable", CANDIDATE: "candidate"}
        return {
            revision: {name: (await stage.instance(f"{name}-{side}"),) for name in ("quotes", "web")}
            for revision, side in sides.items()
        }

    @pytest.fixture
    def routes(self, endpoints: dict[RevisionId, dict[str, tuple[str, ...]]]) -> "Split":
        return Split(endpoints)

    # --- addresses

    async def test_addresses_are_kept(self, stage: Stage) -> None:
        first = await stage.router.addresses(PRODUCTION, {"web": None, "quotes": None})
        await stage.restart()
        assert await stage.router.addresses(PRODUCTION, {"web": None, "quotes": None}) == first

    async def test_no_two_addresses_are_the_same(self, stage: Stage) -> None:
        found = [await stage.router.addresses(one, {"web": None, "quotes": None}) for one in (PRODUCTION, STAGING)]
        urls = [url for one in found for at in one.values() for url in (at.public, at.mesh, at.preview)]
        assert len(set(urls)) == 12
        assert all(re.fullmatch(r"http://127\.0\.0\.1:\d+", url) for url in urls)

    async def test_a_wanted_port_is_given(self, stage: Stage) -> None:
        port = stage.free_port()
        found = await stage.router.addresses(PRODUCTION, {"web": port})
        assert found["web"].public == f"http://127.0.0.1:{port}"

    async def test_a_port_cannot_be_given_twice(self, stage: Stage) -> None:
        port = stage.free_port()
        await stage.router.addresses(PRODUCTION, {"web": port})
        with pytest.raises(AdapterError, match=rf"(?s)(?=.*pcw/staging)(?=.*{port})"):
            await stage.router.addresses(STAGING, {"web": port})

    async def test_before_anything_was_set_nobody_serves(self, stage: Stage) -> None:
        web = (await stage.router.addresses(PRODUCTION, {"web": None}))["web"]
        assert (await stage.router.observe(PRODUCTION)).routes is None
        for url in (web.public, web.mesh, web.preview):
            assert (await stage.ask(url)).status in self.nobody

    # --- set and read back

    @pytest.mark.parametrize(
        "asked",
        [
            {"weight": 0},
            {"weight": 37},
            {"weight": 100},
            {"weight": 5, "preview": CANDIDATE},
            {"weight": 5, "sticky": True},
            {"weight": 0, "preview": CANDIDATE, "audience": BETA},
            {"weight": 25, "preview": CANDIDATE, "sticky": True, "audience": BETA},
            {"weight": 25, "sticky": True, "audience": BETA},
        ],
        ids=str,
    )
    async def test_what_was_set_is_read_back(self, stage: Stage, routes: "Split", asked: dict[str, Any]) -> None:
        wanted = routes(**asked)
        await stage.router.set_routes(wanted)
        assert (await stage.router.observe(PRODUCTION)).routes == wanted

    async def test_setting_it_again_changes_nothing(self, stage: Stage, routes: "Split") -> None:
        for _ in range(2):
            await stage.router.set_routes(routes(40))
            assert (await stage.router.observe(PRODUCTION)).routes == routes(40)

    async def test_a_single_revision_and_another_in_its_place(self, stage: Stage, routes: "Split") -> None:
        for revision in (STABLE, CANDIDATE):
            await stage.router.set_routes(routes.only(revision))
            assert (await stage.router.observe(PRODUCTION)).routes == routes.only(revision)

    async def test_nobody_serves_while_the_first_release_is_previewed(self, stage: Stage, routes: "Split") -> None:
        first = Routes(PRODUCTION, (Backend(CANDIDATE, 0, routes.endpoints[CANDIDATE]),), preview=CANDIDATE)
        await stage.router.set_routes(first)
        assert (await stage.router.observe(PRODUCTION)).routes == first
        web = (await addresses(stage))["web"]
        assert (await stage.ask(web.public)).status in self.nobody
        assert (await stage.ask(web.preview)).by == "web-candidate"

    async def test_nobody_serves_any_more(self, stage: Stage, routes: "Split") -> None:
        await stage.router.set_routes(routes(50))
        await stage.router.set_routes(Routes(PRODUCTION, ()))
        assert (await stage.router.observe(PRODUCTION)).routes == Routes(PRODUCTION, ())
        assert (await stage.ask((await addresses(stage))["web"].public)).status in self.nobody

    async def test_instances_come_and_go(self, stage: Stage, routes: "Split") -> None:
        more = tuple(sorted([*routes.endpoints[STABLE]["web"], await stage.instance("web-stable-2")]))
        for ready in (more, (), more[1:]):
            endpoints = {**routes.endpoints[STABLE], "web": ready}
            wanted = Routes(PRODUCTION, (Backend(STABLE, 100, endpoints),))
            await stage.router.set_routes(wanted)
            assert (await stage.router.observe(PRODUCTION)).routes == wanted

    async def test_a_service_that_only_the_candidate_has(self, stage: Stage, routes: "Split") -> None:
        web = {"web": routes.endpoints[STABLE]["web"]}
        wanted = Routes(
            PRODUCTION, (Backend(CANDIDATE, 10, routes.endpoints[CANDIDATE]), Backend(STABLE, 90, web)), CANDIDATE
        )
        await stage.router.set_routes(wanted)
        assert (await stage.router.observe(PRODUCTION)).routes == wanted
        assert (await stage.ask((await addresses(stage))["quotes"].mesh)).by == "quotes-candidate"

    async def test_environments_are_apart(self, stage: Stage, routes: "Split") -> None:
        await stage.router.set_routes(routes(0))
        await stage.router.set_routes(routes(100, environment=STAGING))
        assert (await stage.router.observe(PRODUCTION)).routes == routes(0)
        assert (await stage.ask((await addresses(stage))["web"].public)).by == "web-stable"
        assert (await stage.ask((await addresses(stage, STAGING))["web"].public)).by == "web-candidate"

    async def test_routes_outlive_the_server(self, stage: Stage, routes: "Split") -> None:
        await stage.router.set_routes(routes(100, preview=CANDIDATE))
        web = (await addresses(stage))["web"]
        await stage.restart()
        assert (await stage.router.observe(PRODUCTION)).routes == routes(100, preview=CANDIDATE)
        assert (await stage.ask(web.public)).by == "web-candidate"

    # --- shares

    @pytest.mark.parametrize("weight", [0, 5, 50, 100])
    async def test_traffic_is_shared_by_weight(self, stage: Stage, routes: "Split", weight: int) -> None:
        await stage.router.set_routes(routes(weight))
        web = (await addresses(stage))["web"]
        for url in (web.public, web.mesh):
            answers = await crowd(stage, url, 400)
            assert within(answers["web-candidate"], 400, weight / 100), answers
            assert answers["web-candidate"] + answers["web-stable"] == 400

    async def test_once_set_nobody_is_answered_by_the_old_side(self, stage: Stage, routes: "Split") -> None:
        for weight, name in [(0, "web-stable"), (100, "web-candidate")] * 3:
            await stage.router.set_routes(routes(weight))
            assert await crowd(stage, (await addresses(stage))["web"].public, 20) == {name: 20}

    async def test_without_an_instance_that_is_ready_visitors_get_503(self, stage: Stage) -> None:
        await stage.router.set_routes(Routes(PRODUCTION, (Backend(STABLE, 100, {"web": ()}),)))
        assert (await stage.ask((await addresses(stage))["web"].public)).status in self.nobody

    async def test_requests_in_flight_are_seen(self, stage: Stage) -> None:
        slow = await stage.instance("slow", takes=timedelta(seconds=1.5))
        await stage.router.set_routes(Routes(PRODUCTION, (Backend(STABLE, 100, {"web": (slow,)}),)))
        url = (await addresses(stage))["web"].public
        asking = [asyncio.create_task(stage.ask(url)) for _ in range(3)]
        await asyncio.sleep(0.5)
        assert (await stage.router.observe(PRODUCTION)).active[STABLE] == 3
        assert {one.by for one in await asyncio.gather(*asking)} == {"slow"}
        assert (await stage.router.observe(PRODUCTION)).active[STABLE] == 0

    # --- audience, preview, sides

    async def test_the_audience_gets_the_candidate(self, stage: Stage, routes: "Split") -> None:
        await stage.router.set_routes(routes(0, preview=CANDIDATE, audience=BETA))
        url = (await addresses(stage))["web"].public
        assert (await stage.ask(url, {"X-Beta": "1"})).by == "web-candidate"
        assert (await stage.ask(url, {"X-Beta": "2"})).by == "web-stable"
        assert (await stage.ask(url)).by == "web-stable"

    async def test_only_the_candidate_answers_the_preview(self, stage: Stage, routes: "Split") -> None:
        await stage.router.set_routes(routes(0, preview=CANDIDATE))
        url = (await addresses(stage))["web"].preview
        assert await crowd(stage, url, 20) == {"web-candidate": 20}
        await stage.router.set_routes(routes(0))
        assert (await stage.ask(url)).status in self.nobody

    @pytest.mark.parametrize("header", SIDE_HEADERS)
    async def test_a_request_stays_on_its_side(self, stage: Stage, routes: "Split", header: str) -> None:
        await stage.router.set_routes(routes(50))
        found = await addresses(stage)
        sides: Counter[str] = Counter()
        for _ in range(40):
            web = await stage.ask(found["web"].public)
            quotes = await stage.ask(found["quotes"].mesh, {header: web.side[header]})
            assert quotes.by.removeprefix("quotes-") == web.by.removeprefix("web-")
            sides[web.by] += 1
        assert len(sides) == 2

    async def test_a_preview_stays_on_its_side(self, stage: Stage, routes: "Split") -> None:
        await stage.router.set_routes(routes(0, preview=CANDIDATE))
        found = await addresses(stage)
        web = await stage.ask(found["web"].preview)
        for _ in range(10):
            assert (await stage.ask(found["quotes"].mesh, web.side)).by == "quotes-candidate"

    async def test_a_side_that_is_gone_is_no_side(self, stage: Stage, routes: "Split") -> None:
        await stage.router.set_routes(routes.only(STABLE))
        mesh = (await addresses(stage))["quotes"].mesh
        assert (await stage.ask(mesh, {"x-headgate-revision": CANDIDATE})).by == "quotes-stable"

    async def test_a_visitor_cannot_choose_a_side(self, stage: Stage, routes: "Split") -> None:
        await stage.router.set_routes(routes(0, preview=CANDIDATE))
        found = await addresses(stage)
        wish = {"x-headgate-revision": CANDIDATE, "baggage": f"headgate.revision={CANDIDATE}"}
        web = await stage.ask(found["web"].public, wish)
        assert web.by == "web-stable"
        for name, value in web.side.items():
            assert (await stage.ask(found["quotes"].mesh, {name: value})).by == "quotes-stable"

    async def test_a_visitor_keeps_baggage_of_his_own(self, stage: Stage, routes: "Split") -> None:
        await stage.router.set_routes(routes(0))
        web = await stage.ask((await addresses(stage))["web"].public, {"baggage": "shop=7"})
        assert "shop=7" in web.received["baggage"]

    # --- sticky

    @pytest.mark.timeout(180)
    async def test_visitors_only_ever_move_to_the_candidate(self, stage: Stage, routes: "Split") -> None:
        await stage.router.set_routes(routes(5, sticky=True))
        url = (await addresses(stage))["web"].public
        first = await together([stage.ask(url) for _ in range(VISITORS)])
        assert all(len(one.cookies) == 1 for one in first)
        cookies = [one.cookies for one in first]
        on_candidate = {number for number, one in enumerate(first) if one.by == "web-candidate"}
        assert within(len(on_candidate), VISITORS, 0.05)
        for weight in (5, 25, 50, 100):
            await stage.router.set_routes(routes(weight, sticky=True))
            answers = await together([stage.ask(url, cookies=cookie) for cookie in cookies])
            now = {number for number, one in enumerate(answers) if one.by == "web-candidate"}
            assert on_candidate <= now, "visitors moved back to the stable"
            assert within(len(now), VISITORS, weight / 100)
            assert not any(one.cookies for one in answers)
            if weight == 5:
                assert now == on_candidate, "a visitor's first answer came from another side than the second"
            on_candidate = now

    async def test_visitors_move_back_when_the_weight_does(self, stage: Stage, routes: "Split") -> None:
        await stage.router.set_routes(routes(50, sticky=True))
        url = (await addresses(stage))["web"].public
        first = await together([stage.ask(url) for _ in range(50)])
        for weight in (0, 50):
            await stage.router.set_routes(routes(weight, sticky=True))
            again = await together([stage.ask(url, cookies=one.cookies) for one in first])
        assert [one.by for one in again] == [one.by for one in first]

    @pytest.mark.parametrize("value", ["", "x" * 3000, '"\\";', "../../etc", "%00%0d%0aset-cookie:a", "1,2;3=4"])
    async def test_a_hostile_cookie_does_no_harm(self, stage: Stage, routes: "Split", value: str) -> None:
        await stage.router.set_routes(routes(50, sticky=True))
        url = (await addresses(stage))["web"].public
        (name,) = (await stage.ask(url)).cookies
        answer = await stage.ask(url, {"cookie": f"{name}={value}"})
        assert answer.status == 200
        assert list(answer.cookies) == [name], "he is taken for a new visitor"

    # --- refused

    @pytest.mark.parametrize("weights", [(50, 49), (60, 60), (-1, 101)], ids=str)
    async def test_weights_that_are_no_whole_are_refused(
        self, stage: Stage, routes: "Split", weights: tuple[int, int]
    ) -> None:
        await stage.router.set_routes(routes(0))
        backends = zip((CANDIDATE, STABLE), weights, strict=True)
        wrong = Routes(PRODUCTION, tuple(Backend(one, weight, routes.endpoints[one]) for one, weight in backends))
        with pytest.raises(AdapterError, match="100"):
            await stage.router.set_routes(wrong)
        assert (await stage.router.observe(PRODUCTION)).routes == routes(0)

    @pytest.mark.parametrize("name", ["../etc", "pcw", "pcw/../x", "pcw/prod/uction", "pcw/PROD", "pcw/", "/x", ""])
    async def test_a_name_that_is_none_is_refused(self, stage: Stage, name: str) -> None:
        with pytest.raises(AdapterError):
            await stage.router.addresses(EnvironmentId(name), {"web": None})
        with pytest.raises(AdapterError):
            await stage.router.observe(EnvironmentId(name))

    @pytest.mark.parametrize("name", ["../web", "web/x", "Web", "", "web.x", "web x", "w" * 64])
    async def test_a_service_name_that_is_none_is_refused(self, stage: Stage, name: str) -> None:
        with pytest.raises(AdapterError):
            await stage.router.addresses(PRODUCTION, {name: None})


VISITORS = 500


class Split:
    """Routes of two revisions, told by the candidate's weight."""

    def __init__(self, endpoints: dict[RevisionId, dict[str, tuple[str, ...]]]) -> None:
        self.endpoints = endpoints

    def __call__(
        self,
        weight: int,
        environment: EnvironmentId = PRODUCTION,
        preview: RevisionId | None = None,
        sticky: bool = False,
        audience: Audience | None = None,
    ) -> Routes:
        shares = {CANDIDATE: weight, STABLE: 100 - weight}
        backends = tuple(Backend(one, share, self.endpoints[one]) for one, share in shares.items())
        return Routes(environment, backends, preview, sticky, audience)

    def only(self, revision: RevisionId) -> Routes:
        return Routes(PRODUCTION, (Backend(revision, 100, self.endpoints[revision]),))


async def addresses(stage: Stage, environment: EnvironmentId = PRODUCTION) -> dict[str, Address]:
    return await stage.router.addresses(environment, {"web": None, "quotes": None})


async def together(asked: list[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(asking: Coroutine[Any, Any, Answer]) -> Answer:
        async with gate:
            return await asking

    return await asyncio.gather(*map(one, asked))


async def crowd(stage: Stage, url: str, size: int) -> Counter[str]:
    """Who answers so many visitors, none of whom has been here before."""
    return Counter(one.by for one in await together([stage.ask(url) for _ in range(size)]))
