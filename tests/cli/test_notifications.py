"""headgate notifications, as people type and read it."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.conftest import Run, Served
from tests.web.world import FILE, PRESENT

from headgate.engine import applying
from headgate.ports import AdapterError, Gone, Unusable
from headgate.testing.fakes.notifier import FakeNotifier

RULES = FILE + 'notifications: [{webhook: {url: "https://hook.example.org/x?token=hidden"}}]\n'


@pytest.fixture
def hook(served: Served, repository: Path) -> FakeNotifier:
    notifying, made = served.shop.engine.notifying, FakeNotifier()
    notifying._world = replace(notifying._world, notifiers={"webhook": made})
    present = {**PRESENT, "notifiers": {"webhook"}}
    understood = applying.understand(RULES, "headgate.yaml", str(repository.resolve()), present)
    served.do(applying.apply(served.shop.engine, understood, "ann"))
    return made


@pytest.mark.slow
def test_who_is_told_and_who_cannot_be(headgate: Run, served: Served, hook: FakeNotifier) -> None:
    shown = headgate("notifications").out
    assert "https://hook.example.org/x" in shown
    assert "hidden" not in shown
    assert headgate("notifications", "test", "--by", "carol").out.endswith(": told\n")
    assert "carol" in hook.told[-1].what
    assert "test, " in headgate("notifications").out
    (target,) = headgate("notifications", "--json").json()["targets"]
    assert target["delivered"] == 1

    hook.trouble = AdapterError("it cannot be reached (refused)")
    assert "it cannot be reached (refused)" in headgate("notifications", "test", code=1).out
    headgate("freeze", "staging", "--why", "the sale", "--by", "ann")
    (courier,) = served.shop.engine.notifying.couriers("shop")
    served.until(lambda: courier.state.failing)
    for look in (("status",), ("notifications",)):
        assert "it cannot be reached (refused)" in headgate(*look).out

    assert headgate("notifications", "failed").out == "nothing was left untold\n"
    (waits,) = headgate("notifications", "pending", "--json").json()["targets"]
    assert [one["kind"] for one in waits["pending"]] == ["frozen"]
    assert "staging is frozen by ann" in headgate("notifications", "pending").out
    assert "what is pending is tried now" in headgate("notifications", "retry", "--by", "carol").out

    hook.trouble = Gone("it answered HTTP 410: it is there no more")
    served.until(lambda: courier.state.gone)
    assert f"`headgate notifications test --target {target['target']}` tries it again" in headgate("status").out
    hook.trouble = None
    headgate("notifications", "test", "--target", target["target"])
    served.until(lambda: "frozen" in hook.kinds)
    hook.trouble = Unusable("it answered HTTP 422")
    headgate("unfreeze", "staging", "--by", "ann")
    served.until(lambda: courier.state.dead)
    assert "it answered HTTP 422" in headgate("notifications", "failed").out
    assert "`headgate notifications failed` shows" in headgate("notifications").out
    assert "it answered HTTP 422" in headgate("notifications", "retry", code=1).out
    hook.trouble = None
    assert headgate("notifications", "retry", "--json").json()["targets"][0]["failed"] == 0
    assert "unfrozen" in hook.kinds
    assert "no target 'pager'" in headgate("notifications", "test", "--target", "pager", code=1).err


@pytest.mark.slow
def test_an_application_that_tells_nobody(headgate: Run, served: Served, repository: Path) -> None:
    served.apply(repository, FILE)
    assert headgate("notifications").out == "shop tells nobody; name targets under `notifications` of its file\n"
    headgate("notifications", "tset", code=2)
