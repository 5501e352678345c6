"""The section `registry`: where the images of the application's services are kept."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from headgate.model.images import RegistryRules
from headgate.spec.sections.addresses import SafeUrl
from headgate.spec.sections.section import OneOf, Section, unsuitable
from headgate.spec.sections.texts import matching

RegistryVariable = Annotated[
    str,
    matching(
        "REGISTRY_[A-Z0-9_]{1,60}",
        "the name of a variable that begins with REGISTRY_",
        "Write a name such as REGISTRY_LOGIN, and set that variable where the Headgate server runs.",
    ),
]
Prefix = Annotated[
    str,
    matching(
        "[a-z0-9]+(?:[._-][a-z0-9]+)*(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*){0,5}",
        "lower-case names with / between them",
        "Write a path such as team or company/team.",
    ),
]
File = Annotated[
    str, matching("/[^\x00-\x1f]{1,500}", "the absolute path of a file", "Write a path such as /etc/ssl/our-ca.pem.")
]
Region = Annotated[str, matching("[a-z]{2}(-[a-z]+)+-[0-9]{1,2}", "an AWS region", "Write one such as eu-west-1.")]
Account = Annotated[str, matching("[0-9]{12}", "an AWS account's twelve digits in quotes", 'Write "123456789012".')]


class DockerRegistrySection(Section):
    url: SafeUrl = Field(description="Where it answers; http:// only on this machine.", examples=["http://127.0.0.1:5000"])
    prefix: Prefix | None = Field(None, description="Optional. Path before APPLICATION/SERVICE.")
    login_from: RegistryVariable | None = Field(
        None, description="Optional. Variable of the Headgate server that holds USER:PASSWORD."
    )
    ca: File | None = Field(None, description="Optional. Certificates of a private CA, a PEM file on the server.")

    @model_validator(mode="after")
    def bare(self) -> "DockerRegistrySection":
        parts = urlsplit(self.url)
        if parts.path not in ("", "/") or parts.query:
            raise unsuitable("an address without a path", "Write what comes before an image's name as `prefix`.")
        return self


class EcrSection(Section):
    region: Region = Field(description="Region of the registry.", examples=["eu-west-1"])
    account: Account | None = Field(None, description="Optional. Whose registry; by itself that of the credentials.")
    prefix: Prefix | None = Field(None, description="Optional. Path before APPLICATION/SERVICE.")
    endpoint: SafeUrl | None = Field(
        None, description="Optional. Address of the API, where it is not AWS's public one."
    )


class RegistrySection(OneOf):
    docker: DockerRegistrySection | None = Field(None, description="A registry with Docker's API, version 2.")
    ecr: EcrSection | None = Field(None, description="AWS ECR. Credentials are found as boto3 finds them.")

    def rules(self) -> RegistryRules:
        section = self.docker or self.ecr
        written = section.model_dump(exclude_none=True) if section else {}
        return RegistryRules(self.kind, {name: str(value) for name, value in written.items()})
