"""Applying files, making releases, lifting quarantines, over HTTP."""

from typing import Any

import httpx
from tests.web.world import FILE, Shop, applying


async def test_applying_says_what_is_new_and_where_services_will_be_reached(ask: httpx.AsyncClient) -> None:
    answer = (await ask.post("/api/applications", json=applying())).json()
    assert answer["application"] == "shop"
    assert answer["changed"] is True
    staging = answer["environments"][0]
    assert staging["environment"] == "staging"
    assert staging["changes"] == ["new: all-at-once on process"]
    assert staging["addresses"]["web"]["public"].startswith("http://127.0.0.1:")


async def test_applying_again_changes_nothing(ask: httpx.AsyncClient) -> None:
    await ask.post("/api/applications", json=applying())
    answer = (await ask.post("/api/applications", json=applying())).json()
    assert answer["changed"] is False
    assert [environment["changes"] for environment in answer["environments"]] == [[], [], []]


async def test_applying_says_each_rule_that_changed(ask: httpx.AsyncClient) -> None:
    await ask.post("/api/applications", json=applying())
    text = FILE.replace("[5, 50]", "[10]").replace("    after: staging\n", "    after: staging\n    bake: 90s\n")
    text = text.replace("  guarded:", "  other:")
    answer = (await ask.post("/api/applications", json=applying(text))).json()
    changes = {one["environment"]: one["changes"] for one in answer["environments"]}
    assert changes["production"] == ["strategy: canary 5, 50 -> canary 10", "bake: 0s -> 1m30s"]
    assert changes["staging"] == []
    assert changes["other"] == ["new: all-at-once on process"]
    assert changes["guarded"] == ["removed: what runs there goes on running"]


async def test_applying_says_what_changed_of_each_metric(ask: httpx.AsyncClient) -> None:
    def told(metrics: str) -> dict[str, Any]:
        after = "    after: staging\n"
        return applying(FILE.replace(after, f"{after}    analysis: {{metrics: [{metrics}]}}\n"))

    gone, old = "{name: gone, job: {run: x}}", "{name: work, job: {run: x}, failure: < 1, interval: 5s}"
    await ask.post("/api/applications", json=told(f"{gone}, {old}"))
    changed = old.replace("< 1", "< 2").replace("5s", "9s")
    answer = (await ask.post("/api/applications", json=told(f"{changed}, {gone.replace('gone', 'fresh')}"))).json()
    assert answer["environments"][-2]["changes"] == [
        "analysis: metric gone: removed",
        "analysis: metric work: failure: < 1 -> < 2",
        "analysis: metric work: interval: 5s -> 9s",
        "analysis: metric fresh: new",
    ]


async def test_a_file_with_problems_is_refused_with_all_of_them(ask: httpx.AsyncClient) -> None:
    text = FILE.replace("port: 8000", "port: high").replace("count: 1", "count: 0")
    answer = await ask.post("/api/applications", json=applying(text))
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["what"] == "the file has 2 problems"
    assert [problem["field"] for problem in error["problems"]] == [
        "services.web.port",
        "environments.guarded.gates[0].approval.count",
    ]
    assert error["problems"][0]["line"] == 6
    assert (await ask.get("/api/applications")).json() == {"applications": []}


async def test_a_file_that_asks_for_what_is_not_installed_is_refused(ask: httpx.AsyncClient) -> None:
    answer = await ask.post(
        "/api/applications",
        json=applying(FILE.replace("staging: {platform: process", "staging: {platform: kubernetes")),
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["problems"][0]["found"] == "kubernetes"


async def test_a_release_is_made_once_from_a_commit(ask: httpx.AsyncClient, shop: Shop) -> None:
    sha = shop.commit("Sell more", version="v1")
    await ask.post("/api/applications", json=applying())
    first = (await ask.post("/api/applications/shop/releases", json={"by": "ann"})).json()
    again = (await ask.post("/api/applications/shop/releases", json={"reference": "v1", "by": "bob"})).json()
    assert first == again
    assert (first["label"], first["commit"], first["subject"], first["services"]) == ("v1", sha, "Sell more", ["web"])
    assert first["environments"] == []
    listed = (await ask.get("/api/applications/shop/releases")).json()["releases"]
    assert listed == [first]


async def test_a_commit_that_is_not_there_is_a_bad_gateway_that_names_it(ask: httpx.AsyncClient, shop: Shop) -> None:
    shop.commit()
    await ask.post("/api/applications", json=applying())
    answer = await ask.post("/api/applications/shop/releases", json={"reference": "nowhere", "by": "ann"})
    assert answer.status_code == 502
    assert "nowhere" in answer.json()["error"]["what"]
    assert answer.json()["error"]["where"] == "shop"


async def test_lifting_what_is_not_quarantined_is_refused(ask: httpx.AsyncClient, shop: Shop) -> None:
    shop.commit(version="v1")
    await ask.post("/api/applications", json=applying())
    await ask.post("/api/applications/shop/releases", json={"by": "ann"})
    answer = await ask.post("/api/applications/shop/lift", json={"release": "v1", "by": "ann", "why": "sure"})
    assert answer.status_code == 409
    assert answer.json()["error"]["what"] == "v1 is not quarantined"


async def test_the_summary_has_every_environment_in_the_order_of_the_file(ask: httpx.AsyncClient) -> None:
    await ask.post("/api/applications", json=applying())
    answer = (await ask.get("/api/applications/shop")).json()
    assert [one["environment"] for one in answer["environments"]] == ["staging", "production", "guarded"]
    assert answer["environments"][0]["stable"] is None
