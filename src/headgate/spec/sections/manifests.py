"""The section `manifests`: what a team has already, instead of what Headgate would write itself."""

from typing import Annotated

from pydantic import Field

from headgate.model.manifests import Manifests
from headgate.spec.sections.section import Section, ShortForm
from headgate.spec.sections.texts import FOLDER, FOLDERS, Folder, matching

PATTERN = r"[A-Za-z][A-Za-z0-9]{0,62}(\.[a-z0-9.-]{1,120})?|capability [A-Z_]{1,40}|service-account-token"
Allowance = Annotated[
    str, matching(PATTERN, "a kind such as Role or Certificate.cert-manager.io, or a power", "Write a kind's name.")
]


class ManifestsSection(Section):
    path: Folder = Field(description="A file, a folder, a kustomization or a chart.", examples=["deploy/production"])
    values: list[Folder] = Field(default_factory=list, description="Of a chart: files of values, the last one wins.")
    allow: list[Allowance] = Field(
        default_factory=list, description="Kinds and powers that releases may contain beyond the ordinary."
    )

    def finished(self) -> Manifests:
        return Manifests(self.path, tuple(self.values), tuple(dict.fromkeys(self.allow)))


ManifestsValue = Annotated[
    Manifests,
    ShortForm(
        ManifestsSection,
        expand=lambda scalar, _: Manifests(FOLDER.parse(scalar)),
        finish=ManifestsSection.finished,
        allowed=f"{FOLDERS}, or a mapping with path",
        schema=FOLDER.schema,
    ),
]
