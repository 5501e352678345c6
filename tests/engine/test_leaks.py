"""No value of a secret reaches an event, an answer of the API or the server's log, whatever fails and says it.

A test plants canaries in a world that repeats them wherever it can, and looks for them in every form in all that is
written. With the masking turned off the same search finds them, so it can.
"""

import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.engine.test_configuring import Shop
from tests.web.world import PRESENT, TOKEN, client

from headgate import bootstrap
from headgate.engine.hidden import Hidden, hidden_in_log
from headgate.model import commands as c
from headgate.model.checks import JobSeen
from headgate.model.ids import EnvironmentId, JobId
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.secrets import Secret, SecretRules
from headgate.ports import AdapterError
from headgate.store.codec import encode
from headgate.testing.fakes.platform import Behaviour, FakePlatform
from headgate.testing.fakes.secrets import FakeSecrets
from headgate.web.api import create

FIRST, ROTATED, SERVERS = 'canary"first/ü?7f3a', "canary+rotated&55d0", "canary-of-the-server-c0de"
CANARIES = (FIRST, ROTATED)
PAGES = ("", "/why", "/history", "/events", "/logs", "/traffic", "/checks")


def written(value: str) -> list[str]:
    """By hand, and not as `hidden` does it: a part of base64 is what any of its three places makes of it."""
    quoted = [json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe="")]
    return [value, *quoted, *(b64encode((" " * before + value).encode()).decode()[4:16] for before in range(3))]


def told(value: str) -> str:
    """As a careless program says it."""
    pair = b64encode(f"me:{value}".encode()).decode()
    return f"denied: {value} {json.dumps({'password': value})} /?key={quote(value, safe='')} Basic {pair}"


class Careless(FakePlatform):
    """Gives each instance its secrets, and repeats the latest in whatever it says."""

    shop: Shop
    value = ""
    broken: Exception | None = None

    async def run(self, revision: Revision) -> None:
        self.value = (await self.shop.engine.secrets(revision, "web"))["PASSWORD"]
        if self.broken:
            raise type(self.broken)(told(self.value))
        await super().run(revision)

    async def observe(self, environment: EnvironmentId) -> Sequence[Instance]:
        if self.unreachable and self.value:
            raise AdapterError(told(self.value))
        seen = await super().observe(environment)
        return [replace(one, detail=told(self.value)) if one.state != "ready" else one for one in seen]

    async def observe_job(self, environment: EnvironmentId, job: JobId) -> JobSeen | None:
        seen = await super().observe_job(environment, job)
        return replace(seen, detail=told(self.value)) if seen else None

    async def logs(self, environment: str, service: str | None, lines: int, follow: bool) -> AsyncIterator[str]:
        yield told(self.value)

    async def job_log(self, environment: EnvironmentId, job: JobId) -> AsyncIterator[str]:
        yield told(self.value)


class Defective(FakeSecrets):
    """Its errors repeat what it keeps."""

    defective = False

    async def get(self, reference: str, store: SecretRules, version: str | None = None) -> Secret:
        found = await super().get(reference, store, version)
        if self.defective:
            raise ValueError(told(found.value))
        return found


@pytest.fixture
async def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "releases")
    store, platform = Defective(), Careless(made.clock)
    platform.shop, made.platform, made.secrets = made, platform, store
    store.write("shop/db", FIRST)
    made.world = replace(made.world, platforms={"process": platform}, secrets={"fake": store})
    made.engine.world = made.world
    return made


async def everything_happens(shop: Shop, platform: Careless, store: Defective) -> None:
    await shop.apply()
    good = await shop.release()
    await shop.turn()
    assert shop.stable.release == good
    for number, what in enumerate(("crashes", "is not started", "is a defect", "fails its check"), start=2):
        platform.broken = {"is not started": AdapterError(), "is a defect": ValueError()}.get(what)
        await shop.release(str(number))
        revision = shop.state.rollout and shop.state.rollout.revision.id
        assert revision, what
        if what == "crashes":
            platform.behaviours[revision] = Behaviour(ready_after=None, lives_for=timedelta(seconds=1))
        elif what == "fails its check":
            platform.behaviours[revision] = Behaviour(checks="failed")
        for _ in range(40):
            if shop.state.rollout:
                await shop.turn(5)
        platform.broken = None
        assert shop.state.past[-1].outcome == "aborted", what
        assert shop.stable.release == good
    await fails_to_be_seen(shop, platform, store)


async def fails_to_be_seen(shop: Shop, platform: Careless, store: Defective) -> None:
    store.write("shop/db", ROTATED)
    store.defective = True  # nobody has read the new value: only the store knows it
    await shop.turn(35)
    store.defective, store.broken = False, told(FIRST)
    await shop.turn(35)
    store.broken = ""
    await shop.turn(40)  # its rollout waited for the store
    assert shop.stable.secret_versions == {"shop/db": "2"}
    await shop.shop.wheel("production").command(c.Rollback(shop.engine.rollout_id(), "ann"))
    await shop.turn(15)
    platform.unreachable = "yes"
    await shop.turn(3)
    platform.unreachable = ""


async def pages(shop: Shop) -> str:
    async with client(create(shop.engine, TOKEN, PRESENT)) as asking:
        base = "/api/applications/shop"
        answers = [await asking.get(f"{base}/environments/production{page}") for page in PAGES]
        jobs = [one.job for results in shop.state.checks.values() for one in results]
        answers += [await asking.get(f"{base}/environments/production/checks/{job}/log") for job in jobs]
        answers += [await asking.get(f"{base}{page}") for page in ("", "/pipeline", "/releases")]
        answers += [await asking.get(f"{base}/config", params={"of": "production"})]
    return "\n".join(answer.text for answer in answers)


async def kept(shop: Shop, caplog: pytest.LogCaptureFixture) -> dict[str, str]:
    """All that is written, by where."""
    caplog.set_level(logging.DEBUG)
    with hidden_in_log(shop.world.hidden, lambda: [SERVERS]):
        await everything_happens(shop, shop.platform, shop.secrets)  # type: ignore[arg-type]
        logging.getLogger("any library").error("Authorization: Bearer %s", SERVERS)
        shop.platform.unreachable = "yes"
        answers = await pages(shop)
    events = "\n".join(encode(one.event) for one in await shop.log.tail())
    return {"events": events, "pages": answers, "log": caplog.text}


def found(kept: dict[str, str]) -> set[str]:
    return {where for where, text in kept.items() for value in CANARIES if any(w in text for w in written(value))}


async def test_no_value_is_written_anywhere(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    text = await kept(shop, caplog)
    assert found(text) == set()
    assert SERVERS not in text["log"]
    assert all("***" in one for one in text.values())


async def test_unmasked_they_would_be_found_everywhere(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hidden, "hide", lambda hidden, text: text)
    assert found(await kept(shop, caplog)) == {"events", "pages", "log"}


async def test_a_developers_server_masks_its_log_as_any_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with bootstrap.developing(tmp_path / "data", tmp_path) as (engine, _):
        engine.world.hidden.learn(FIRST)
        logging.getLogger("any library").error("refused: %s", FIRST)
    assert caplog.text.endswith("refused: ***\n")
