"""The section `environments.NAME.parity.OTHER`: how far another environment may differ from this one."""

from typing import Annotated

from pydantic import Field

from headgate.model.parity import Accepted, Parity
from headgate.spec.sections.section import Section, defaults_to
from headgate.spec.sections.texts import Line, SomeShare, matching

KINDS = (
    *("platform", "platform-version", "traffic", "metrics", "hosts", "stores", "infrastructure", "release"),
    *("service", "image", "definition", "replicas", "variable", "secret", "resource"),
)
What = Annotated[
    str,
    matching(
        f"(?:{'|'.join(KINDS)})(?: [A-Za-z0-9_.*-]{{1,300}})?",
        "a difference as `headgate parity` lists it; * stands for any text of its name",
        "Write one such as `replicas web`, `variable web.DEBUG` or `image *`.",
    ),
]


class AcceptedSection(Section):
    what: What = Field(description="A difference, as `headgate parity` lists it.", examples=["replicas web"])
    why: Line = Field(description="Why it is as it should be.", examples=["one is enough to try things"])


class ParitySection(Section):
    traffic: SomeShare = defaults_to("100%", "Share of the traffic here that comes there.")
    accept: list[AcceptedSection] = Field(default_factory=list, description="Differences that are meant.")

    def rules(self) -> Parity:
        return Parity(self.traffic, tuple(Accepted(one.what, one.why) for one in self.accept))
