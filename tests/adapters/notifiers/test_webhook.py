"""The notifier `webhook` against a server on loopback: the form of its events, its signature, its refusals."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from tests.adapters.notifiers.loopback import Loopback, Stage

from headgate.adapters.notifiers import outgoing
from headgate.adapters.notifiers.webhook.cdevents import artifact, events
from headgate.adapters.notifiers.webhook.sender import WebhookNotifier
from headgate.adapters.notifiers.webhook.signature import signed
from headgate.model.notices import KINDS, NoticeKind, Target
from headgate.ports import AdapterError
from headgate.testing.contracts.notifiers import HOSTILE, NOTICE, NotifierContract, notice

KEY = "whsec_" + base64.b64encode(b"k" * 24).decode()
SETTINGS = {"url_from": "NOTIFY_HOOK", "secret_from": "NOTIFY_KEY"}


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    there = Loopback()
    await there.start()
    monkeypatch.setenv("NOTIFY_HOOK", there.url("/hidden-path?token=hidden"))
    monkeypatch.setenv("NOTIFY_KEY", KEY)
    made = Stage(there, WebhookNotifier(), Target("webhook", SETTINGS), "hidden-path", KEY)
    yield made
    await made.close()


class TestWebhook(NotifierContract):
    @pytest.fixture
    def stage(self, stage: Stage) -> Stage:  # type: ignore[override]
        return stage


async def test_an_event_is_signed_as_the_standard_says(stage: Stage) -> None:
    await stage.notifier.notify(NOTICE, stage.target, "")
    (asked,) = stage.there.asked
    assert asked.path == "/hidden-path?token=hidden"
    assert asked.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    ident, seconds = asked.headers["webhook-id"], asked.headers["webhook-timestamp"]
    assert ident == NOTICE.id == asked.json["id"]
    assert abs(int(seconds) - datetime.now(UTC).timestamp()) < 5
    wanted = hmac.new(b"k" * 24, f"{ident}.{seconds}.".encode() + asked.body, hashlib.sha256).digest()
    assert asked.headers["webhook-signature"] == f"v1,{base64.b64encode(wanted).decode()}"


def test_the_standards_own_example() -> None:
    """Of the verification examples that its libraries share."""
    at, body = datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}'
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert "webhook-signature" not in signed("msg", at, body, None)
    plain = signed("msg", at, body, "a plain key")["webhook-signature"]
    digest = hmac.new(b"a plain key", b"msg.1614265330." + body, hashlib.sha256).digest()
    assert plain == f"v1,{base64.b64encode(digest).decode()}"
    with pytest.raises(AdapterError, match="no base64 follows"):
        signed("msg", at, body, "whsec_!")


# --- the form: required and allowed fields as in schemas/*.json and custom/schema.json of CDEvents 0.5.1

TEXT = {"type": "string", "minLength": 1}
REFERENCE = {"type": "object", "properties": {"id": TEXT, "source": TEXT}, "required": ["id"]}


def closed(required: Sequence[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": list(required)}


def cdevent(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    moment = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
    context = closed(
        ("specversion", "id", "source", "type", "timestamp"),
        specversion={"const": "0.5.1"},
        id=TEXT,
        source=TEXT,
        timestamp=moment,
        type={"type": "string", "pattern": kind},
    )
    subject = closed(("id", "content"), id=TEXT, source=TEXT, content=content)
    more = {"customData": {"type": "object"}, "customDataContentType": {"type": "string"}}
    return closed(("context", "subject"), context=context, subject=subject, **more)


SERVICE = closed(("environment", "artifactId"), environment=REFERENCE, artifactId=TEXT)
INCIDENT = closed(("environment",), description={"type": "string"}, environment=REFERENCE)
RUN = closed(
    (),
    pipelineName={"type": "string"},
    errors={"type": "string"},
    outcome={"enum": ["success", "failure", "cancel", "error"]},
)
CUSTOM = cdevent(r"^dev\.cdeventsx\.[a-zA-Z0-9]+-[a-zA-Z]+\.[a-zA-Z]+\.[0-9]\.[0-9]\.[0-9]$", {"type": "object"})
FORMS = {
    "promoted": cdevent(r"^dev\.cdevents\.service\.(deployed|upgraded)\.0\.3\.0$", SERVICE),
    "rolled-back": cdevent(r"^dev\.cdevents\.service\.rolledback\.0\.3\.0$", SERVICE),
    "alarm": cdevent(r"^dev\.cdevents\.incident\.detected\.0\.3\.0$", INCIDENT),
    "alarm-ended": cdevent(r"^dev\.cdevents\.incident\.resolved\.0\.3\.0$", INCIDENT),
    "build-failed": cdevent(r"^dev\.cdevents\.pipelinerun\.finished\.0\.3\.0$", RUN),
}


@pytest.mark.parametrize("kind", [*KINDS, "test"])
@pytest.mark.parametrize("more", [{}, {"environment": "", "rollout": "", "release": "", "commit": "", "artifacts": {}}])
def test_every_event_has_the_form_of_cdevents(kind: NoticeKind, more: dict[str, Any]) -> None:
    for event in events(notice(kind, **more)):
        jsonschema.validate(event["data"], FORMS.get(kind, CUSTOM))
        assert event["specversion"] == "1.0"
        assert event["datacontenttype"] == "application/json"
        context = event["data"]["context"]
        assert [event[name] for name in ("id", "source", "type")] == [context[n] for n in ("id", "source", "type")]
        assert event["time"] == context["timestamp"]
        assert event["subject"] == event["data"]["subject"]["id"]
        assert re.fullmatch(r"/headgate/shop", event["source"])


def test_each_service_has_an_event_of_its_own_under_an_id_that_stays() -> None:
    image = "reg.example.org/shop/web@sha256:" + "a" * 64
    of_two = notice("promoted", artifacts={"web": image, "jobs": ""}, first=True)
    web, jobs = events(of_two)
    assert web["type"] == "dev.cdevents.service.deployed.0.3.0"
    assert web["subject"] == "shop/production/web"
    digest = "sha256%3A" + "a" * 64
    assert web["data"]["subject"]["content"] == {
        "environment": {"id": "shop/production"},
        "artifactId": f"pkg:oci/web@{digest}?repository_url=reg.example.org%2Fshop%2Fweb",
    }
    assert jobs["data"]["subject"]["content"]["artifactId"] == artifact(of_two, "jobs", "")
    assert artifact(of_two, "jobs", "").startswith("pkg:generic/shop/jobs@ccc")
    assert [web["id"], jobs["id"]] == [f"{of_two.id}_1", f"{of_two.id}_2"] == [one["id"] for one in events(of_two)]


def test_what_is_told_travels_with_it() -> None:
    (event,) = events(notice("waiting", link="https://headgate.example.org/x", left_out=3))
    told = event["data"]["customData"]["headgate"]
    assert (told["people"], told["why"], told["link"], told["left_out"]) == (
        ["alice", "bob"],
        NOTICE.why,
        "https://headgate.example.org/x",
        3,
    )
    assert json.loads(json.dumps(events(notice("waiting", what=HOSTILE))[0]))  # data, not text: as it is


# --- what another system may do to us


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:169.254.169.254]/latest",
        "http://[fe80::1]/x",
        "http://[fd00:ec2::254]/latest",
        "http://100.100.100.200/latest",
    ],
)
async def test_where_clouds_keep_credentials_nobody_is_told(stage: Stage, url: str) -> None:
    with pytest.raises(AdapterError, match=r"an address of a cloud's metadata, or link-local: refused"):
        await stage.notifier.notify(NOTICE, Target("webhook", {"url": url}), "")


async def test_neither_a_redirection_nor_a_huge_answer_is_followed(stage: Stage) -> None:
    stage.answer(307, {"Location": stage.there.url("/elsewhere")})
    with pytest.raises(AdapterError, match="HTTP 307"):
        await stage.notifier.notify(NOTICE, stage.target, "")
    assert stage.received() == 0

    async def flood(asked: Any) -> tuple[int, Any]:
        return 200, {"x": "y" * (8 << 20)}

    stage.there.refusal, stage.there._answers = None, flood
    await stage.notifier.notify(NOTICE, stage.target, "")  # it said yes; the rest is not read
    assert stage.received() == 1


async def test_a_wrong_key_is_a_refusal_that_may_pass(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver checks signature and age as the standard says: a key that is put right later is enough."""

    async def receiver(asked: Any) -> tuple[int, Any]:
        ident, seconds = asked.headers["webhook-id"], asked.headers["webhook-timestamp"]
        digest = hmac.new(b"k" * 24, f"{ident}.{seconds}.".encode() + asked.body, hashlib.sha256).digest()
        right = asked.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
        return 200 if right and abs(int(seconds) - datetime.now(UTC).timestamp()) < 300 else 401, None

    stage.there._answers = receiver
    monkeypatch.setenv("NOTIFY_KEY", "another key")
    with pytest.raises(AdapterError, match="HTTP 401") as failed:
        await stage.notifier.notify(NOTICE, stage.target, "")
    assert type(failed.value) is AdapterError  # neither given up nor gone: it is tried again
    monkeypatch.setenv("NOTIFY_KEY", KEY)
    await stage.notifier.notify(NOTICE, stage.target, "")


async def test_a_slow_answer_is_not_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "TIMEOUT", timedelta(seconds=0.05))
    answers = asyncio.Event()

    async def slow(asked: Any) -> tuple[int, Any]:
        await answers.wait()
        return 204, None

    stage.there._answers = slow
    with pytest.raises(AdapterError, match=r"not answer within 0\.05 s"):
        await stage.notifier.notify(NOTICE, stage.target, "")
    answers.set()
