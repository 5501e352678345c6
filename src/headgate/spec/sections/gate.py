"""The sections `environments.NAME.gates[N]` and below: outside conditions that must be open before a rollout starts."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from headgate.spec.sections.freeze import Freeze
from headgate.spec.sections.section import OneOf, Section, defaults_to
from headgate.spec.sections.texts import Count, Flag, Name, Person, Positive, Url, duration, matching

GateVariable = Annotated[
    str,
    matching(
        "GATE_[A-Z0-9_]{1,60}",  # no file may have any secret of the server used for anything
        "the name of a variable that begins with GATE_",
        "Write a name such as GATE_KEY, and set that variable where the Headgate server runs.",
    ),
]
Evidence = Annotated[
    str,
    matching(
        "[A-Za-z0-9_/#*?-]{1,60}",
        "what a word of the reason looks like, in which * and ? match any letters and any one",
        "Write such as CHG-*: the number of a ticket.",
    ),
]
Patience = Annotated[timedelta, duration("100ms", "60s")]
Beat = Annotated[timedelta, duration("1s", "1h")]


class ApprovalSection(Section):
    from_: list[Person] = Field(
        default_factory=list, alias="from", description="People and groups who may approve. Empty: anyone."
    )
    count: Count = defaults_to(1, "How many of them must.")
    author_may_approve: Flag = Field(False, description="Whether the commit's author counts.")
    authenticated: Flag | None = Field(
        None,
        description="Whether only approvals by a personal token or a signed link count. "
        "By itself: yes where the file has `people`, else no.",
    )
    evidence: Evidence | None = Field(
        None, description="What a word of the reason looks like; * matches any.", examples=["CHG-*"]
    )
    deadline: Positive = defaults_to("7d", "A release not approved by then is dropped.")


class WebhookSection(Section):
    url: Url = Field(description="Asked before each rollout.", examples=["https://example.org/gate"])
    timeout: Patience = defaults_to("10s", "No answer by then is closed.")
    every: Beat = defaults_to("30s", "Asked again so often, while a release waits.")
    secret_from: GateVariable | None = Field(
        None, description="Optional. Variable of the Headgate server with the key that questions are signed with."
    )
    deadline: Positive = defaults_to("7d", "A release for which it is not open by then is dropped.")


class SignOffSection(Section):
    from_: Name = Field(alias="from", description="The environment where someone must accept the release.")
    deadline: Positive = defaults_to("7d", "A release not accepted by then is dropped.")


class GateSection(OneOf):
    approval: ApprovalSection | None = Field(None, description="People must approve.")
    soak: Positive | None = Field(None, description="Time to be stable in the environment before this one.")
    sign_off: SignOffSection | None = Field(None, description="Someone must have accepted it elsewhere.")
    freeze: Freeze | None = Field(
        None, description="No rollout starts then: weekly, between dates, by cron, or as an iCalendar file says."
    )
    webhook: WebhookSection | None = Field(None, description="Another system must agree.")
    parity: Name | None = Field(None, description="That environment must be a replica of this one.")
