"""The sections `environments.NAME` and `deadlines` below it: a place that serves, with the rules that hold there."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from headgate.model.rules import Concurrency, Contract
from headgate.spec.sections.analysis import AnalysisSection
from headgate.spec.sections.check import CheckSection
from headgate.spec.sections.gate import GateSection
from headgate.spec.sections.manifests import ManifestsValue
from headgate.spec.sections.metrics import MetricsValue
from headgate.spec.sections.monitor import Monitor
from headgate.spec.sections.notifications import NotificationSection
from headgate.spec.sections.parity import ParitySection
from headgate.spec.sections.platform import PlatformValue
from headgate.spec.sections.secrets import SecretsSection
from headgate.spec.sections.section import Section, defaults_to, part
from headgate.spec.sections.service import EnvironmentValue
from headgate.spec.sections.strategy import Strategy
from headgate.spec.sections.terraform import TerraformSection
from headgate.spec.sections.texts import (
    Branch,
    Duration,
    Flag,
    Instances,
    Name,
    Person,
    Port,
    Positive,
    Variable,
    one_word_of,
)
from headgate.spec.sections.traffic import TrafficValue

SHORTEST = timedelta(seconds=1)
Deploy = Literal["on-build", "on-request", "on-advance"]


class DeadlinesSection(Section):
    ready: Positive = defaults_to("2m", "All instances of a candidate must be ready by then.")
    weight: Positive = defaults_to("30s", "The router must have taken a new weight by then.")
    retire: Positive = defaults_to("2m", "The old revision must be gone by then.")
    drain: Positive = defaults_to("30s", "Time for requests in flight before an instance is stopped.")


class ServiceHereSection(Section):
    env: dict[Variable, EnvironmentValue] = Field(
        default_factory=dict, description="Variables of this service in this environment; they win over all others."
    )


class EnvironmentSection(Section):
    platform: PlatformValue = Field(description="What runs the services here.", examples=["process"])
    manifests: ManifestsValue | None = Field(
        None, description="Optional. What runs here, instead of those of the whole file.", examples=["deploy/staging"]
    )
    traffic: TrafficValue = defaults_to("envoy", "What shifts the traffic.")
    metrics: MetricsValue = defaults_to("envoy", "Where measurements come from.")
    deploy: Annotated[Deploy, one_word_of("on-build", "on-request", "on-advance")] | None = Field(
        None,
        description="When releases come. Default: on-advance with after, else on-build with branches, else on-request.",
    )
    after: Name | None = Field(None, description="The environment a release must have passed before.")
    concurrency: Annotated[Concurrency, one_word_of("queue", "replace", "finish")] = defaults_to(
        "queue", "What becomes of a release in flight when another is asked for."
    )
    branches: Annotated[list[Branch], Field(min_length=1)] = defaults_to(
        ["main"], "Whose releases may come here; * stands for any text, ? for one character."
    )
    integrate: Flag = Field(
        False, description="One commit of all its branches that merge cleanly is released here, and never goes further."
    )
    strategy: Strategy = defaults_to("all-at-once", "How a new revision takes over the traffic.")
    checks: list[CheckSection] = Field(default_factory=list, description="Probes of the candidate before users see it.")
    gates: list[GateSection] = Field(default_factory=list, description="All must be open before a rollout starts.")
    break_glass: list[Person] = Field(
        default_factory=list, description="People and groups who may deploy past closed gates. Empty: nobody."
    )
    analysis: AnalysisSection = part(AnalysisSection, "When a candidate counts as worse.")
    bake: Duration = defaults_to("0s", "Time at full weight with every abort rule armed.")
    contract: Annotated[Contract, one_word_of("by-itself", "on-request")] = defaults_to(
        "by-itself", "When contract migrations run, once nothing needs what they take away."
    )
    keep_warm: Duration = defaults_to("30m", "Time the old revision stays up after a promotion.")
    monitor: Monitor | None = Field(
        None, description="How long the stable is watched after its promotion. Default: not.", examples=["4h"]
    )
    listen: dict[Name, Port] = Field(
        default_factory=dict, description="Service: public port on loopback. Others are allocated."
    )
    replicas: dict[Name, Instances] = Field(default_factory=dict, description="Service: instances here.")
    env: dict[Variable, EnvironmentValue] = Field(
        default_factory=dict,
        description="Environment variables of every service here; they win over the service's own.",
    )
    secrets: SecretsSection | None = Field(
        None, description="Optional. Stores of secrets here; each wins over the one of its kind for all environments."
    )
    terraform: TerraformSection | None = Field(
        None, description="Optional. The infrastructure here, which rollouts apply and whose outputs variables may be."
    )
    services: dict[Name, ServiceHereSection] = Field(
        default_factory=dict, description="Service: what is different for it alone in this environment."
    )
    parity: dict[Name, ParitySection] = Field(
        default_factory=dict, description="Environment: how far it may differ from this one, and why."
    )
    deadlines: DeadlinesSection = part(DeadlinesSection, "How long each wait may take.")
    notifications: list[NotificationSection] = Field(
        default_factory=list, description="Who is told of what happens here, beside those of the whole application."
    )

    @property
    def interval(self) -> timedelta:
        """Between two measurements: as short as the source allows, unless it is written."""
        scraped = self.metrics.settings.get("scrape_interval")
        shortest = 2 * timedelta(seconds=float(scraped)) if scraped else SHORTEST
        return self.analysis.interval or max(SHORTEST, shortest)
