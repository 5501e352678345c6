"""The section `services.NAME.migrations[N]`: a change of the service's data, which runs once in each environment."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field

from headgate.model.migrations import MigrationKind
from headgate.spec.sections.section import Section, defaults_to
from headgate.spec.sections.texts import Positive, Text, one_word_of, whole

MOST = 999_999_999
Level = Annotated[int, whole(1, MOST)]


class MigrationSection(Section):
    level: Level = Field(description="Higher than that of the service's migration above it.", examples=[7])
    command: Text = Field(
        description="Shell command, with the service's variables, in its folder or image.",
        examples=["python -m shop.migrate 7"],
    )
    kind: Annotated[MigrationKind, one_word_of("expand", "contract")] = Field(
        description="expand: code of lower levels runs on. contract: it does not.", examples=["expand"]
    )
    timeout: Positive = defaults_to("10m", "One that takes longer has failed, and is ended.")


def out_of_order(sections: list[MigrationSection]) -> MigrationSection | None:
    """The first whose level is not above that of the one before it."""
    return next((later for earlier, later in pairwise(sections) if later.level <= earlier.level), None)
