"""The sections `services.NAME` and below: one deployable program."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from headgate.model.services import PLAIN, Dockerfile, Value
from headgate.spec.sections.migration import MigrationSection, out_of_order
from headgate.spec.sections.section import Section, ShortForm, defaults_to, part, unsuitable
from headgate.spec.sections.texts import (
    ANY_SCALAR,
    FOLDER,
    FOLDERS,
    Argument,
    Cpus,
    Flag,
    Folder,
    Image,
    Instances,
    Line,
    Name,
    Port,
    Positive,
    Processes,
    Size,
    Stage,
    Text,
    UrlPath,
    User,
    Variable,
    Workload,
    one_word_of,
)


class ValueSection(Section):
    """Where a variable's value comes from, when it is not written here."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["secret"]}, {"required": ["terraform"]}]})

    secret: Line | None = Field(None, description="Reference of a secret in the secret store.")
    store: Name | None = Field(None, description="Of a secret: name of its store. Default: the only one there is.")
    as_: Annotated[Literal["variable", "file"], one_word_of("variable", "file")] = Field(
        "variable", alias="as", description="How a secret is handed over; the variable holds the path of a file."
    )
    terraform: Line | None = Field(None, description="Name of a Terraform output.")

    @model_validator(mode="after")
    def exactly_one(self) -> "ValueSection":
        if (self.secret is None) == (self.terraform is None):
            remedy = "Write one of them." if self.secret is None else "Remove all but one."
            raise unsuitable("exactly one of secret, terraform", remedy)
        if self.terraform is not None and len(self.model_fields_set) > 1:
            raise unsuitable("terraform alone", "Remove `store` and `as`: they are for secrets.")
        return self


def _value(section: ValueSection) -> Value:
    if section.secret is not None:
        return Value("secret", section.secret, section.store or "", section.as_ == "file")
    return Value("terraform", section.terraform or "")


EnvironmentValue = Annotated[
    Value,
    ShortForm(
        ValueSection,
        expand=lambda scalar, _: Value("plain", scalar.text),
        finish=_value,
        allowed="text, {secret: REFERENCE} or {terraform: OUTPUT}",
        schema={"type": ANY_SCALAR},
    ),
]


class HealthSection(Section):
    path: UrlPath = defaults_to("/", "Answers with success when an instance is ready.")
    interval: Positive = defaults_to("1s", "Time between two probes.")
    timeout: Positive = defaults_to("2s", "A probe that takes longer has failed.")


# What Docker itself gives by default; a service may keep some of it, and never gets more.
CAPABILITIES = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)


class ContainerSection(Section):
    """How far it is closed, where the platform runs images."""

    read_only: Flag = Field(True, description= "Nothing but /tmp and the data folder can be written to.")
    tmp: Size = defaults_to("64MiB", "Size of /tmp, which is memory.")
    capabilities: list[Annotated[str, one_word_of(*CAPABILITIES)]] = Field(
        default_factory=list, description="Linux capabilities that it keeps. Default: none."
    )
    new_privileges: Flag = Field(False, description= "Whether its programs may gain privileges, by setuid for one.")
    user: User | None = Field(None, description="User, and group after a colon. Default: the image's own.")
    memory: Size | None = Field(None, description="Most memory; it is ended beyond. Default: no limit.")
    cpus: Cpus | None = Field(None, description="Most processors, 0.5 for half of one. Default: no limit.")
    processes: Processes = defaults_to(1000, "Most processes and threads.")


class BuildSection(Section):
    """What a service is built from, and how."""

    context: Folder = Field(description="Folder it is built from; a build sees nothing outside it.", examples=["web"])
    dockerfile: Folder = defaults_to("Dockerfile", "Path of the Dockerfile below that folder.")
    target: Stage | None = Field(None, description="Optional. Stage of the Dockerfile; by itself the last one.")
    args: dict[Argument, Text] = Field(
        default_factory=dict, description="Build arguments. No secrets: whoever has the image can read them."
    )


@dataclass(frozen=True, slots=True)
class BuiltFrom:
    folder: str
    dockerfile: Dockerfile = PLAIN


def _build(section: BuildSection) -> BuiltFrom:
    how = Dockerfile(section.dockerfile, section.target or "", dict(section.args))
    return BuiltFrom(section.context, how)


BuildValue = Annotated[
    BuiltFrom,
    ShortForm(
        BuildSection,
        expand=lambda scalar, _: BuiltFrom(FOLDER.parse(scalar)),
        finish=_build,
        allowed=f"{FOLDERS}, or a mapping with context",
        schema=FOLDER.schema,
    ),
]


class ServiceSection(Section):
    build: BuildValue | None = Field(
        None, description="Folder it is built from. Default: `.`; not together with image."
    )
    image: Image | None = Field(None, description="Image that is run as it is, instead of build.")
    command: Annotated[list[Text], Field(min_length=1)] | None = Field(
        None, description="Program and arguments; $PORT becomes the instance's port. Default: the image's own."
    )
    port: Port = Field(description="Port it listens on inside its container.", examples=[8000])
    health: HealthSection = part(HealthSection, "How readiness is told.")
    replicas: Instances = defaults_to(1, "Instances of each revision.")
    container: ContainerSection = part(ContainerSection, "How its container is closed, and what it may use.")
    env: dict[Variable, EnvironmentValue] = Field(
        default_factory=dict, description="Environment variables, the same in every environment."
    )
    migrations: list[MigrationSection] = Field(
        default_factory=list, description="Changes of its data, oldest first; each runs once in an environment."
    )

    workload: Workload | None = Field(
        None, description="Optional. What runs it in `manifests`. Default: what its name, labels or image lead to."
    )

    @model_validator(mode="after")
    def build_or_image(self) -> "ServiceSection":
        if self.build is not None and self.image is not None:
            raise unsuitable("build or image, not both", "Remove one of the two.")
        return self

    @model_validator(mode="after")
    def levels_rise(self) -> "ServiceSection":
        if late := out_of_order(self.migrations):
            raise unsuitable(f"migrations by rising level, but {late.level} is not", "Give it a higher level.")
        return self

    @property
    def folder(self) -> str:
        return self.build.folder if self.build else "."
