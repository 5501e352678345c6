"""The section `notifications`: who is told what, and what no file can ask for."""

from datetime import timedelta

import pytest
from tests.spec.files import SMALL, production

from headgate.model.notices import KINDS, Target
from headgate.spec.compile import application
from headgate.spec.missing import missing
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read

HOUR = timedelta(hours=1)


def targets(written: str) -> tuple[Target, ...]:
    spec = read(f"{SMALL}\nnotifications: {written}\n", "headgate.yaml")
    return application(spec, "/r", "headgate.yaml").notifications


def test_people() -> None:
    (target,) = targets("[{apprise: {url_from: NOTIFY_SLACK_URL}}]")
    assert (target.kind, target.settings, target.late) == ("apprise", {"url_from": "NOTIFY_SLACK_URL"}, HOUR)
    assert "waiting" in target.on
    assert "started" not in target.on
    (target,) = targets("[{apprise: {url_from: NOTIFY_SLACK_URL, on: [aborted, waiting], to: alice, late: 8h}}]")
    assert (target.on, target.to, target.late) == (("waiting", "aborted"), "alice", 8 * HOUR)


def test_a_webhook() -> None:
    (target,) = targets("[{webhook: {url: 'https://hook.example.org/x', secret_from: NOTIFY_KEY}}]")
    assert target.settings == {"url": "https://hook.example.org/x", "secret_from": "NOTIFY_KEY"}
    assert target.on == KINDS
    assert targets("[{webhook: {url_from: NOTIFY_HOOK, on: promoted}}]")[0].on == ("promoted",)
    assert targets("[{webhook: {url_from: NOTIFY_HOOK, on: [all, waiting]}}]")[0].on == KINDS
    both = targets("[{webhook: {url_from: NOTIFY_HOOK, on: [important, started]}}]")[0].on
    assert {"held", "started"} < set(both) < set(KINDS)


def test_forges() -> None:
    github, gitlab = targets(
        "[{github: {repository: company/shop, token_from: NOTIFY_T, environment_url: 'https://shop.example.org'}}, "
        "{gitlab: {project: company/team/shop, token_from: NOTIFY_T}}]"
    )
    assert github.settings["api"] == "https://api.github.com"
    assert github.settings["environment_url"] == "https://shop.example.org"
    assert gitlab.settings == {
        "api": "https://gitlab.com/api/v4",
        "project": "company/team/shop",
        "token_from": "NOTIFY_T",
    }
    assert "waiting" not in github.on
    assert "promoted" in github.on


def test_an_environment_has_its_own() -> None:
    written = production("notifications: [{webhook: {url_from: NOTIFY_H}}]")
    rules = application(read(written, "headgate.yaml"), "/r", "headgate.yaml")
    (target,) = rules.environments[0].notifications
    assert target.environment == rules.environments[0].name
    assert list(rules.targets) == [target.id]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[{apprise: {url_from: DATABASE_PASSWORD}}]", "begins with NOTIFY_"),
        ("[{apprise: {url_from: 'slack://a/b/c'}}]", "begins with NOTIFY_"),
        ("[{apprise: {}}]", "url_from, which is required"),
        ("[{webhook: {}}]", "exactly one of url, url_from"),
        ("[{webhook: {url: 'https://a.example.org', url_from: NOTIFY_H}}]", "exactly one of url, url_from"),
        ("[{webhook: {url: 'https://a:b@c.example.org'}}]", "begins with http"),
        ("[{webhook: {url_from: NOTIFY_H, on: [promote]}}]", "promoted"),
        ("[{webhook: {url_from: NOTIFY_H, on: promote}}]", "promoted"),
        ("[{webhook: {url_from: NOTIFY_H, on: []}}]", "at least one"),
        ("[{webhook: {url_from: NOTIFY_H, on: {a: b}}}]", ""),
        ("[{github: {repository: shop, token_from: NOTIFY_T}}]", "OWNER/NAME"),
        ("[{github: {repository: ../x, token_from: NOTIFY_T}}]", "OWNER/NAME"),
        ("[{github: {repository: a/b, token_from: NOTIFY_T, on: all}}]", ""),
        ("[{github: {repository: a/b, token_from: NOTIFY_T, api: 'http://git.example.org'}}]", "https://, or http://"),
        ("[{gitlab: {project: a/b, token_from: NOTIFY_T, api: 'http://git.example.org'}}]", "https://, or http://"),
        ("[{gitlab: {project: 'a b', token_from: NOTIFY_T}}]", "a project's number"),
        ("[{apprise: {url_from: NOTIFY_A}, webhook: {url_from: NOTIFY_H}}]", "exactly one of"),
        ("[{pager: {}}]", "apprise, webhook, github, gitlab"),
        ("{webhook: {url_from: NOTIFY_H}}", "a list"),
    ],
)
def test_what_is_refused(written: str, told: str) -> None:
    with pytest.raises(SpecificationError) as failed:
        targets(written)
    assert told in str([(one.allowed, one.remedy) for one in failed.value.problems])


def test_what_is_not_installed_is_named_with_its_line() -> None:
    written = f"{SMALL}\nnotifications:\n  - webhook: {{url_from: NOTIFY_H}}\n  - apprise: {{url_from: NOTIFY_A}}\n"
    found = missing(read(written, "headgate.yaml"), {"platforms": {"process"}, "notifiers": {"webhook"}})
    told = [one for one in found if one.field.startswith("notifications")]
    assert [(one.field, one.allowed) for one in told] == [("notifications[1].apprise", "webhook")]
    assert "pip install 'headgate[apprise]'" in told[0].remedy
