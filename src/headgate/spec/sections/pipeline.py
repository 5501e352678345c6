"""The section `pipeline`: what a commit goes through before it becomes a release."""

from typing import Annotated

from pydantic import Field

from headgate.model.builds import Severity
from headgate.spec.sections.section import Section, defaults_to
from headgate.spec.sections.texts import Folder, Image, Name, Pattern, Positive, Text, one_word_of


class CiSection(Section):
    """One step of continuous integration."""

    name: Name = Field(description="What people call it.", examples=["test"])
    run: Text = Field(description="Shell command; passes with exit code 0.", examples=["pytest -q"])
    needs: list[Name] | None = Field(
        None, description="Steps that must have passed before. Default: the one above it; [] begins at once."
    )
    timeout: Positive = defaults_to("30m", "A step that takes longer has failed, and is ended with all it started.")
    image: Image | None = Field(None, description="Image of the container it runs in. Default: on the host.")
    cache: list[Folder] = Field(
        default_factory=list, description="Folders below the checkout that are kept for the branch's next build."
    )
    artifacts: list[Pattern] = Field(
        default_factory=list, description="Files that are kept, and given to steps that need this one; * and ** match."
    )
    junit: Pattern | None = Field(None, description="Its test reports, JUnit XML: a failed test fails the step.")
    sarif: Pattern | None = Field(None, description="Its scan reports, SARIF: see severity.")
    severity: Annotated[Severity, one_word_of("error", "warning", "note", "never")] = defaults_to(
        "error", "A finding so severe, or more, fails the step."
    )


class PipelineSection(Section):
    ci: list[CiSection] = Field(
        default_factory=list, description="Steps every commit must pass before it becomes a release."
    )
