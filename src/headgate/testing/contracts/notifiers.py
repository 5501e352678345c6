"""What every notifier must hold. Subclass, and give a fixture `stage`: a notifier, a target, and the other side."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import pytest

from headgate.model.notices import KINDS, Notice, NoticeKind, Target
from headgate.ports import AdapterError, Gone, Notifier, TryLater, Unusable

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
COMMIT = "c" * 40
HOSTILE = "@everyone <!channel> \x1b[31m **x** [y](https://evil.example.org) \u202e`z`"
NOTICE = Notice(
    id="ntc_0123456789abcdef0123",
    kind="aborted",
    severity="trouble",
    at=AT,
    application="shop",
    environment="production",
    what="v2 was aborted in production; traffic goes back to stable",
    why="errors rose by 3 percentage points",
    people=("alice", "bob"),
    act="`headgate why production`",
    rollout="rol_1",
    release="rel_1",
    label="v2",
    commit=COMMIT,
    ref="main",
    artifacts={"web": "registry.example.org/shop/web@sha256:" + "a" * 64},
)


def notice(kind: NoticeKind, **more: object) -> Notice:
    return replace(NOTICE, **{"id": f"ntc_{kind}", "kind": kind, **more})  # type: ignore[arg-type]


class Stage(Protocol):
    notifier: Notifier
    target: Target
    secrets: Sequence[str]  # that no reason may show

    def received(self) -> int:
        """How much the other side took."""
        ...

    def answer(self, status: int, headers: dict[str, str]) -> None:
        """What the other side answers from now on."""
        ...

    async def vanish(self) -> None:
        """Nobody is there any more."""
        ...


class NotifierContract:
    keeps_status = True  # False: the reason of a refusal is the other library's own

    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError("give a fixture `stage`: a notifier, a target, and the other side")

    @pytest.mark.parametrize("kind", [*KINDS, "test"])
    async def test_every_kind_can_be_told(self, stage: Stage, kind: NoticeKind) -> None:
        await stage.notifier.notify(notice(kind), stage.target, "")

    async def test_what_is_told_arrives(self, stage: Stage) -> None:
        for kind in ("started", "promoted"):
            await stage.notifier.notify(notice(kind), stage.target, "")
        assert stage.received()

    async def test_hostile_words_arrive_without_harm(self, stage: Stage) -> None:
        await stage.notifier.notify(notice("started", what=HOSTILE, why=HOSTILE, label=HOSTILE), stage.target, "")

    @pytest.mark.parametrize("status", [302, 401, 404, 500, 503])
    async def test_a_refusal_is_told_and_may_pass(self, stage: Stage, status: int) -> None:
        stage.answer(status, {"Location": "/elsewhere"})
        with pytest.raises(AdapterError) as failed:
            await stage.notifier.notify(notice("started"), stage.target, "")
        assert not isinstance(failed.value, Unusable)
        self.is_fit(str(failed.value), stage)

    async def test_the_other_side_may_ask_for_time(self, stage: Stage) -> None:
        if not self.keeps_status:
            pytest.skip("the library does not tell")
        stage.answer(429, {"Retry-After": "77"})
        with pytest.raises(TryLater) as failed:
            await stage.notifier.notify(notice("started"), stage.target, "")
        assert failed.value.after.total_seconds() == 77

    async def test_what_will_never_be_taken_is_given_up(self, stage: Stage) -> None:
        if not self.keeps_status:
            pytest.skip("the library does not tell")
        stage.answer(422, {})
        with pytest.raises(Unusable):
            await stage.notifier.notify(notice("started"), stage.target, "")
        stage.answer(410, {})
        with pytest.raises(Gone):
            await stage.notifier.notify(notice("started"), stage.target, "")

    async def test_nobody_there_is_told(self, stage: Stage) -> None:
        await stage.vanish()
        with pytest.raises(AdapterError) as failed:
            await stage.notifier.notify(notice("started"), stage.target, "")
        assert not isinstance(failed.value, Unusable)
        self.is_fit(str(failed.value), stage)

    async def test_without_its_variables_nothing_is_told(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in stage.target.settings.items():
            if name.endswith("_from"):
                monkeypatch.delenv(value)
                with pytest.raises(AdapterError, match=f"the variable {value} is not set"):
                    await stage.notifier.notify(notice("started"), stage.target, "")
                return

    @staticmethod
    def is_fit(why: str, stage: Stage) -> None:
        """For the log: a sentence without secrets."""
        assert why.isprintable()
        assert why
        assert not [secret for secret in stage.secrets if secret in why], why
