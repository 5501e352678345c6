"""The section `pipeline`: what a commit goes through before it becomes a release."""

from typing import Annotated

from pydantic import Field, model_validator

from headgate.model.builds import Severity
from headgate.spec.sections.section import Section, defaults_to, part, unsuitable
from headgate.spec.sections.texts import (
    Cpus,
    Folder,
    Image,
    Name,
    Pattern,
    Positive,
    Processes,
    Size,
    Text,
    UserNumber,
    one_word_of,
)


class CiContainerSection(Section):
    """What a step may use in its container. Capabilities and new privileges it has none."""

    user: UserNumber | None = Field(None, description="User, and group after a colon. Default: the server's own.")
    memory: Size | None = Field(None, description="Most memory; it is ended beyond. Default: no limit.")
    cpus: Cpus | None = Field(None, description="Most processors, 0.5 for half of one. Default: no limit.")
    processes: Processes = defaults_to(1000, "Most processes and threads.")


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
    container: CiContainerSection = part(CiContainerSection, "What it may use in its container.")

    @model_validator(mode="after")
    def container_of_an_image(self) -> "CiSection":
        if self.image is None and "container" in self.model_fields_set:
            raise unsuitable("container together with image", "Add `image: NAME`, or remove container.")
        return self


class PipelineSection(Section):
    ci: list[CiSection] = Field(
        default_factory=list, description="Steps every commit must pass before it becomes a release."
    )
