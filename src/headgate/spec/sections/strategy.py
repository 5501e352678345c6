"""The section `environments.NAME.strategy`: how a new revision takes over the traffic."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from headgate.spec.sections.gate import GateSection
from headgate.spec.sections.section import OneOf, Section, ShortForm, defaults_to, unsuitable
from headgate.spec.sections.texts import Flag, Header, HeaderValue, Weight, one_word_of
from headgate.spec.tree import Mapping, Scalar

KINDS = ("all-at-once", "blue-green", "canary")


class AudienceSection(Section):
    header: Annotated[dict[Header, HeaderValue], Field(min_length=1)] = Field(
        description="Requests with all these headers get the candidate.", examples=['{X-Beta: "1"}']
    )


class CanarySection(Section):
    steps: Annotated[list[Weight], Field(min_length=1)] = defaults_to(
        [5, 25, 50], "Percent of traffic, rising, each held until its analysis passes; then 100."
    )
    sticky: Annotated[Literal["cookie"], one_word_of("cookie")] | None = Field(
        None, description="cookie: a visitor who got the candidate stays with it. Default: each request for itself."
    )
    audience: AudienceSection | None = Field(None, description="Visitors who get the candidate at any weight.")
    baseline: Flag = defaults_to(
        False, "Fresh copies of the stable run beside the candidate, and it is compared with them."
    )

    @field_validator("steps")
    @classmethod
    def rising(cls, steps: list[int]) -> list[int]:
        for position in range(1, len(steps)):
            if steps[position] <= steps[position - 1]:
                allowed = f"a weight above {steps[position - 1]}"
                raise unsuitable(allowed, "Write the weights in rising order.", at=(position,))
        return steps


class BlueGreenSection(Section):
    gate: GateSection | None = Field(None, description="Must be open before the switch, with the candidate ready.")
    audience: AudienceSection | None = Field(None, description="Visitors who get the candidate before the switch.")


class AllAtOnceSection(Section):
    """Has no fields."""


class StrategySection(OneOf):
    all_at_once: AllAtOnceSection | None = Field(
        None, alias="all-at-once", description="The new revision gets all traffic as soon as it is ready."
    )
    blue_green: BlueGreenSection | None = Field(
        None, alias="blue-green", description="Start at full size, check, switch all traffic at once."
    )
    canary: CanarySection | None = Field(None, description="Shift traffic in steps, each judged by analysis.")


def _expand(scalar: Scalar, section: Callable[[Mapping], Any]) -> Any:
    one_word_of(*KINDS).parse(scalar)
    mapping = Mapping(scalar.at)
    mapping[scalar.text] = Mapping(scalar.at)
    return section(mapping)


Strategy = Annotated[
    StrategySection,
    ShortForm(
        StrategySection,
        expand=_expand,
        finish=lambda section: section,
        allowed="all-at-once, blue-green, canary, or a mapping with one of them",
        schema={"enum": list(KINDS)},
    ),
]
