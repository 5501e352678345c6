"""The section `environments.NAME.monitor`: what is watched after a promotion, for how long, against what."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from headgate.model.monitors import USUAL_BURN, Burn, LatencyObjective, MonitorRules
from headgate.spec import units
from headgate.spec.sections.section import Section, ShortForm, defaults_to, part, unsuitable
from headgate.spec.sections.texts import Duration, amount, duration, one_word_of
from headgate.spec.tree import Mapping, Scalar
from headgate.spec.units import Unsuitable

PROMISES = "a share of requests that succeed, 50% to below 100%"
PROMISE_PATTERN = r"(?:[5-9][0-9])(?:\.[0-9]{1,6})?%"
RATES = "times the even pace, such as 14.4x"
RATE_PATTERN = r"[1-9][0-9]{0,4}(?:\.[0-9]{1,3})?x"

OnBreach = Literal["rollback", "call"]


def _promise(text: str) -> float:
    if not re.fullmatch(PROMISE_PATTERN, text):
        raise Unsuitable(PROMISES, "Write a share such as 99.95%.")
    return units.percentage(text)


def _rate(text: str) -> float:
    if not re.fullmatch(RATE_PATTERN, text):
        raise Unsuitable(RATES, "Write a number and x, such as 14.4x.")
    return float(text.removesuffix("x"))


Promise = Annotated[float, amount(_promise, PROMISES, PROMISE_PATTERN)]
BurnRate = Annotated[float, amount(_rate, RATES, RATE_PATTERN)]
Lasting = Annotated[timedelta, duration("10s", "30d")]
Looking = Annotated[timedelta, duration("1s", "10m")]
Windowed = Annotated[timedelta, duration("1s", "30d")]
Limit = Annotated[timedelta, duration("1ms", "10m")]


class LatencyPromise(Section):
    p50: Limit | None = Field(None, description="Median latency.", examples=["100ms"])
    p90: Limit | None = Field(None, description="90th percentile.", examples=["500ms"])
    p95: Limit | None = Field(None, description="95th percentile.", examples=["700ms"])
    p99: Limit | None = Field(None, description="99th percentile.", examples=["1s"])

    def rules(self) -> tuple[LatencyObjective, ...]:
        named = ((name, getattr(self, name)) for name in type(self).model_fields)
        return tuple(LatencyObjective(int(name[1:]) / 100, limit) for name, limit in named if limit is not None)


class ObjectivesSection(Section):
    availability: Promise | None = Field(
        None, description="Share of requests that do not fail, over 30 days. Default: nothing is promised.",
        examples=["99.95%"],
    )  # fmt: skip
    latency: LatencyPromise = part(LatencyPromise, "Percentiles that are promised, over 30 days.")


class BurnSection(Section):
    rate: BurnRate = Field(description="Times the pace at which the budget lasts 30 days.", examples=["14.4x"])
    over: Windowed = Field(description="Long window.", examples=["1h"])
    also: Windowed = Field(description="Short window: it still goes on.", examples=["5m"])

    @model_validator(mode="after")
    def shorter(self) -> "BurnSection":
        if self.also >= self.over:
            raise unsuitable(f"less than {units.written(self.over)}", "The short window is the shorter one.", ("also",))
        return self


class MonitorSection(Section):
    for_: Lasting = Field(alias="for", description="How long after a promotion.", examples=["4h"])
    interval: Looking = defaults_to("15s", "Between two looks; four are one entry in the log while all is well.")
    objectives: ObjectivesSection = part(ObjectivesSection, "What the services promise.")
    burn: list[BurnSection] | None = Field(
        None, description="When a promise is broken. Default: 14.4x over 1h and 5m, 6x over 6h and 30m."
    )
    warm: Duration | None = Field(
        None, description="How long what was replaced stays up, at least keep_warm. Default: as long as is monitored."
    )
    on_breach: Annotated[OnBreach, one_word_of("rollback", "call")] = defaults_to(
        "rollback", "rollback: goes back by itself where the release is to blame; call: only raises an alarm."
    )

    def finished(self) -> MonitorRules:
        written = self.burn or []
        burn = tuple(Burn(one.rate, one.over, one.also) for one in written)
        return MonitorRules(
            duration=self.for_,
            warm=self.for_ if self.warm is None else self.warm,
            interval=self.interval,
            availability=self.objectives.availability,
            latency=self.objectives.latency.rules(),
            burn=USUAL_BURN if self.burn is None else burn,
            on_breach=self.on_breach,
        )


LASTING = duration("10s", "30d")


def _expand(scalar: Scalar, section: Callable[[Mapping], Any]) -> MonitorRules:
    lasts = LASTING.parse(scalar)
    return MonitorRules(duration=lasts, warm=lasts)


Monitor = Annotated[
    MonitorRules,
    ShortForm(
        MonitorSection,
        expand=_expand,
        finish=MonitorSection.finished,
        allowed="a duration such as 4h, or a mapping with for",
        schema=LASTING.schema,
    ),
]
