"""The sections `environments.NAME.checks[N]` and below: yes/no probes of a revision."""

from pydantic import Field, model_validator

from headgate.spec.sections.section import Section, defaults_to, unsuitable
from headgate.spec.sections.texts import Flag, Name, Percentage, Positive, Rate, Text


class LoadSection(Section):
    rate: Rate = Field(description="Requests offered, whatever the answers.", examples=["500/s"])
    for_: Positive = Field(alias="for", description="How long.", examples=["60s"])
    p50: Positive | None = Field(None, description="Median latency must stay below.")
    p90: Positive | None = Field(None, description="90th percentile of latency must stay below.")
    p99: Positive | None = Field(None, description="99th percentile of latency must stay below.")
    errors: Percentage | None = Field(None, description="Share of failed requests must stay below.")


class CheckSection(Section):
    """One of smoke, run and load."""

    name: Name | None = Field(None, description="What people call it. Default for a smoke check: smoke.")
    smoke: Flag = Field(False, description="Ask the health path of every service.")
    run: Text | None = Field(None, description="Shell command; passes with exit code 0.")
    load: LoadSection | None = Field(None, description="Offer a constant rate of requests.")
    timeout: Positive = defaults_to("10m", "A check that takes longer has failed.")

    @model_validator(mode="after")
    def one_kind(self) -> "CheckSection":
        if self.smoke + (self.run is not None) + (self.load is not None) != 1:
            remedy = "Write one check to a list item: {smoke: true} or {name: e2e, run: COMMAND}."
            raise unsuitable("exactly one of smoke: true, run and load", remedy)
        if self.name is None and not self.smoke:
            raise unsuitable("a check with a name", "Add a name, such as `name: e2e`.")
        return self

    @property
    def kind(self) -> str:
        return "smoke" if self.smoke else "run" if self.run is not None else "load"

    @property
    def called(self) -> str:
        return self.name or "smoke"
