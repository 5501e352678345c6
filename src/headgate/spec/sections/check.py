"""The sections `environments.NAME.checks[N]` and below: yes/no probes of a revision."""

from typing import Annotated

from pydantic import Field, model_validator

from headgate.model.checks import CheckKind, When
from headgate.spec.sections.request import RequestSection
from headgate.spec.sections.section import Section, defaults_to, unsuitable
from headgate.spec.sections.texts import (
    Flag,
    Image,
    Name,
    Pattern,
    Percentage,
    Positive,
    Rate,
    Text,
    UrlPath,
    matching,
    one_word_of,
    whole,
)

FASTEST = 2000  # requests a second that one process offers in time, with room to spare for the rest of the machine
KINDS: tuple[CheckKind, ...] = ("smoke", "http", "run", "load", "browser")
Script = Annotated[
    str,
    matching(
        r"(?!(.*/)?\.\./)[A-Za-z0-9._@+-][A-Za-z0-9._@+/-]{0,250}\.py",
        "a Python file of the repository, and none beside it",
        "Write a path such as tests/e2e/shop.py.",
    ),
]


class LoadSection(Section):
    rate: Rate = Field(description="Requests offered, whatever the answers: at most 2000/s.", examples=["500/s"])
    for_: Positive = Field(alias="for", description="How long.", examples=["60s"])
    warm_up: Positive | None = Field(None, description="So long before, at the same rate, and not counted.")
    service: Name | None = Field(None, description="Which service is asked. Default: the first.")
    path: UrlPath | None = Field(None, description="What is asked for. Default: /.")
    paths: dict[UrlPath, Percentage] = Field(
        default_factory=dict, description="Instead of path: several, each with its share of 100%."
    )
    p50: Positive | None = Field(None, description="Median latency must not be above.")
    p90: Positive | None = Field(None, description="90th percentile of latency must not be above.")
    p99: Positive | None = Field(None, description="99th percentile of latency must not be above.")
    errors: Percentage = defaults_to("1%", "Share of failed requests must not be above.")
    achieved: Percentage = defaults_to("99%", "Share of the rate that must be answered in time.")

    @model_validator(mode="after")
    def sound(self) -> "LoadSection":
        if self.rate > FASTEST:
            raise unsuitable(f"at most {FASTEST}/s", "Offer more with a tool of your own, as `run`.", ("rate",))
        if self.paths and self.path:
            raise unsuitable("path or paths", "Remove one of them.")
        if self.paths and abs(sum(self.paths.values()) - 1) > 1e-6:
            raise unsuitable("shares that sum to 100%", "Write such as {/: 70%, /quotes: 30%}.", ("paths",))
        return self


class BrowserSection(Section):
    script: Script = Field(
        description="Python file with functions test_NAME(page), for Playwright.", examples=["tests/e2e/shop.py"]
    )


class CheckSection(Section):
    """One of smoke, http, run, load and browser."""

    name: Name | None = Field(None, description="What people call it. Default for a smoke check: smoke.")
    smoke: Flag = Field(False, description="Ask the health path of every service.")
    http: list[RequestSection] | None = Field(
        None, min_length=1, description="Requests, one after the other, each with what must come back."
    )
    run: Text | None = Field(None, description="Shell command; passes with exit code 0.")
    load: LoadSection | None = Field(None, description="Offer a constant rate of requests.")
    browser: BrowserSection | None = Field(None, description="Use it as a visitor does, in Chromium.")
    timeout: Positive = defaults_to("10m", "An attempt that takes longer has failed.")
    retries: Annotated[int, whole(0, 10)] = defaults_to(0, "So many more attempts, where one fails; each is on record.")
    when: Annotated[When, one_word_of("before", "after", "both")] | None = Field(
        None,
        description="Before all traffic is switched, on the preview address; after, where users are; or both. "
        "Default: both for smoke, else before.",
    )
    image: Image | None = Field(None, description="Image of the container that `run` runs in. Default: on the host.")
    junit: Pattern | None = Field(None, description="Test reports of `run`, JUnit XML: a failed test fails it.")
    artifacts: list[Pattern] = Field(
        default_factory=list, description="Files that `run` leaves and that are kept; * and ** match."
    )

    @model_validator(mode="after")
    def one_kind(self) -> "CheckSection":
        if self.smoke + sum(getattr(self, kind) is not None for kind in KINDS[1:]) != 1:
            remedy = "Write one check to a list item: {smoke: true} or {name: e2e, run: COMMAND}."
            raise unsuitable("exactly one of smoke: true, http, run, load and browser", remedy)
        if self.name is None and not self.smoke:
            raise unsuitable("a check with a name", "Add a name, such as `name: e2e`.")
        for field in ("image", "junit", "artifacts"):
            if self.run is None and getattr(self, field):
                raise unsuitable(f"{field} together with run", f"Remove {field}, or write `run`.", (field,))
        return self

    @property
    def kind(self) -> CheckKind:
        return next(kind for kind in KINDS if getattr(self, kind))

    @property
    def called(self) -> str:
        return self.name or "smoke"
