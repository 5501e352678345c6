"""The sections `notifications[N]`, of the file and of an environment: who is told what, and where."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from headgate.model.notices import KINDS, NoticeKind, Target
from headgate.spec.sections.addresses import SafeUrl
from headgate.spec.sections.section import OneOf, OneOrMore, Section, defaults_to, unsuitable
from headgate.spec.sections.texts import Person, Url, duration, matching, one_word_of

# What somebody has to do something about, or has to know: `on: important`.
IMPORTANT: tuple[NoticeKind, ...] = KINDS[: KINDS.index("requested")]
# What changes the state of a deployment.
DEPLOYMENT: tuple[NoticeKind, ...] = ("requested", "dropped", "started", "promoted", "aborted", "rolled-back")

NotifyVariable = Annotated[
    str,
    matching(
        "NOTIFY_[A-Z0-9_]{1,60}",  # no file may have any secret of the server used for anything
        "the name of a variable that begins with NOTIFY_",
        "Write a name such as NOTIFY_SLACK_URL, and set that variable where the Headgate server runs.",
    ),
]
KIND = one_word_of("all", "important", *KINDS)
Kinds = Annotated[list[str], OneOrMore(KIND)]
Late = Annotated[timedelta, duration("1s", "30d")]
NAME = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
Slug = matching(f"{NAME}/{NAME}", "OWNER/NAME", "Write one such as company/shop.")
Project = matching(
    f"[0-9]{{1,12}}|{NAME}(?:/{NAME}){{1,20}}",
    "a project's number, or its path with its groups",
    "Write one such as company/shop.",
)
LATE = "Older news is left out, and counted. What still waits for somebody is told all the same."
TO = "Optional. The one person who reads there: gets no notice that names only others, and links to answer by."


class TargetSection(Section):
    def settings(self) -> dict[str, str]:
        """As the notifier gets them."""
        written = self.model_dump(exclude={"to", "on", "late"}, exclude_none=True)
        return {name: str(value) for name, value in written.items()}


class AppriseSection(TargetSection):
    url_from: NotifyVariable = Field(
        description="Variable of the Headgate server with an address of Apprise's.", examples=["NOTIFY_SLACK_URL"]
    )
    on: Kinds = defaults_to("important", "What is told: important, all, or kinds of notices.")
    to: Person | None = Field(None, description=TO)
    late: Late = defaults_to("1h", LATE)


class WebhookTargetSection(TargetSection):
    url: Url | None = Field(None, description="Where events are sent, in CDEvents form. Or url_from.")
    url_from: NotifyVariable | None = Field(
        None, description="Instead of url: variable of the Headgate server that holds it, where it is a secret."
    )
    secret_from: NotifyVariable | None = Field(
        None, description="Optional. Variable of the Headgate server with the key that events are signed with."
    )
    on: Kinds = defaults_to("all", "What is told: all, important, or kinds of notices.")
    to: Person | None = Field(None, description=TO)
    late: Late = defaults_to("1h", LATE)

    @model_validator(mode="after")
    def one_address(self) -> "WebhookTargetSection":
        if (self.url is None) == (self.url_from is None):
            raise unsuitable("exactly one of url, url_from", "Remove one." if self.url else "Write one of them.")
        return self


class DeploymentSection(TargetSection):
    token_from: NotifyVariable = Field(
        description="Variable of the Headgate server that holds a token.", examples=["NOTIFY_TOKEN"]
    )
    environment_url: Url | None = Field(None, description="Optional. Where users reach the environment.")
    late: Late = defaults_to("7d", LATE)


class GithubSection(DeploymentSection):
    repository: Annotated[str, Slug] = Field(description="OWNER/NAME.", examples=["company/shop"])
    api: SafeUrl = defaults_to("https://api.github.com", "Address of the API.")


class GitlabSection(DeploymentSection):
    project: Annotated[str, Project] = Field(description="Number or path.", examples=["company/shop"])
    api: SafeUrl = defaults_to("https://gitlab.com/api/v4", "Address of the API.")


class NotificationSection(OneOf):
    apprise: AppriseSection | None = Field(None, description="Slack, Teams, e-mail and a hundred others, for people.")
    webhook: WebhookTargetSection | None = Field(None, description="Another system, told in CDEvents form.")
    github: GithubSection | None = Field(None, description="Deployments and their statuses on GitHub.")
    gitlab: GitlabSection | None = Field(None, description="Deployments on GitLab.")

    def target(self, environment: str = "") -> Target:
        section = self.apprise or self.webhook or self.github or self.gitlab
        assert section is not None  # noqa: S101 - exactly one is written
        wanted: list[str] = getattr(section, "on", list(DEPLOYMENT))
        to: str = getattr(section, "to", None) or ""
        return Target(self.kind, section.settings(), _kinds(wanted), to, section.late, environment)


def _kinds(wanted: list[str]) -> tuple[NoticeKind, ...]:
    """In one order, so that equal choices are equal."""
    important = IMPORTANT if "important" in wanted else ()
    return KINDS if "all" in wanted else tuple(kind for kind in KINDS if kind in wanted or kind in important)
