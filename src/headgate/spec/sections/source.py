"""The section `source`: where commits come from, and which of them become releases by themselves."""

from typing import Annotated, Literal

from pydantic import Field

from headgate.spec.sections.section import Section
from headgate.spec.sections.texts import Branch, Repository, RevertTo, Seconds, one_word_of

Releases = Literal["on-commit", "on-announce"]
Git = Literal["leave", "revert"]


class SourceSection(Section):
    repository: Repository | None = Field(
        None, description="https, ssh or file address, or a folder. Default: the repository that this file lies in."
    )
    branches: Annotated[list[Branch], Field(min_length=1)] | None = Field(
        None, description="Whose commits become releases. Default: those that environments with on-build take."
    )
    tags: list[Branch] = Field(default_factory=list, description="Tags whose commits become releases.")
    poll: Seconds | None = Field(None, description="Time between two looks. Default: 1s for a folder, else 30s.")
    releases: Annotated[Releases, one_word_of("on-commit", "on-announce")] = Field(
        "on-commit", description="on-announce: another CI says when, by POST /api/releases."
    )
    git: Annotated[Git, one_word_of("leave", "revert")] = Field(
        "leave", description="revert: the commits of a release that is quarantined are undone in a commit."
    )
    revert_to: RevertTo = Field(
        "headgate/revert-{commit}", description="The branch that it is pushed to; `{branch}`: the release's own."
    )
