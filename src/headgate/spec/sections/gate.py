"""The sections `environments.NAME.gates[N]` and below: outside conditions that must be open before a rollout starts."""

from pydantic import Field

from headgate.spec.sections.section import OneOf, Section, defaults_to
from headgate.spec.sections.texts import Count, Flag, Freeze, Name, Person, Positive, Url


class ApprovalSection(Section):
    from_: list[Person] = Field(
        default_factory=list, alias="from", description="People and groups who may approve. Empty: anyone."
    )
    count: Count = defaults_to(1, "How many of them must.")
    author_may_approve: Flag = Field(False, description="Whether the commit's author counts.")
    deadline: Positive = defaults_to("7d", "A release not approved by then is dropped.")


class WebhookSection(Section):
    url: Url = Field(description="Asked before each rollout.", examples=["https://example.org/gate"])
    timeout: Positive = defaults_to("10s", "No answer by then is closed.")


class SignOffSection(Section):
    from_: Name = Field(alias="from", description="The environment where someone must accept the release.")
    deadline: Positive = defaults_to("7d", "A release not accepted by then is dropped.")


class GateSection(OneOf):
    approval: ApprovalSection | None = Field(None, description="People must approve.")
    soak: Positive | None = Field(None, description="Time to be stable in the environment before this one.")
    sign_off: SignOffSection | None = Field(None, description="Someone must have accepted it elsewhere.")
    freeze: Freeze | None = Field(None, description="Weekly window in which no rollout starts.")
    webhook: WebhookSection | None = Field(None, description="Another system must agree.")
