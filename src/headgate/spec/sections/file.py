"""The whole file."""

from typing import Annotated

from pydantic import Field

from headgate.spec.sections.environment import EnvironmentSection
from headgate.spec.sections.manifests import ManifestsValue
from headgate.spec.sections.notifications import NotificationSection
from headgate.spec.sections.pipeline import PipelineSection
from headgate.spec.sections.registry import RegistrySection
from headgate.spec.sections.secrets import SecretsSection
from headgate.spec.sections.section import Section, part
from headgate.spec.sections.service import EnvironmentValue, ServiceSection
from headgate.spec.sections.source import SourceSection
from headgate.spec.sections.texts import Account, Name, Person, Variable


class PersonSection(Section):
    accounts: list[Account] = Field(
        default_factory=list, description="Every other name of theirs.", examples=["[alice@example.org, alice-gh]"]
    )


class File(Section):
    application: Name = Field(description="The application's name.", examples=["shop"])
    services: Annotated[dict[Name, ServiceSection], Field(min_length=1)] = Field(
        description="The programs it consists of.", examples=["{web: {port: 8000, command: [...]}}"]
    )
    env: dict[Variable, EnvironmentValue] = Field(
        default_factory=dict, description="Environment variables of every service, unless it says otherwise itself."
    )
    registry: RegistrySection | None = Field(
        None, description="Optional. Where images are kept; needed where a platform runs images."
    )
    manifests: ManifestsValue | None = Field(
        None,
        description="Optional. What a team has already for Kubernetes: YAML, a kustomization or a chart.",
        examples=["deploy"],
    )
    pipeline: PipelineSection = part(PipelineSection, "What every commit goes through.")
    source: SourceSection = part(SourceSection, "Where commits come from.")
    people: dict[Person, PersonSection] = Field(
        default_factory=dict, description="Person: the accounts that are theirs. Under all of them they are one."
    )
    secrets: SecretsSection | None = Field(
        None, description="Optional. Stores of secrets, for all environments; an environment's own win."
    )
    groups: dict[Person, Annotated[list[Person], Field(min_length=1)]] = Field(
        default_factory=dict, description="Group: people in it, for approvals."
    )
    notifications: list[NotificationSection] = Field(
        default_factory=list, description="Who is told of what happens, in every environment."
    )
    environments: Annotated[dict[Name, EnvironmentSection], Field(min_length=1)] = Field(
        description="The places it is served from.", examples=["{production: {platform: process}}"]
    )
