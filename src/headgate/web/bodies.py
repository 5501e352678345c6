"""What requests carry. Unknown fields are refused, texts have limits, and nothing is taken for something it is not."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from headgate.engine.acting import acting

Person = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Reason = Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True)]
Needed = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
Span = Annotated[str, StringConstraints(min_length=1, max_length=40)]
# Never an option of the program that it is given to, and nothing that ends a line.
Reference = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f-][^\s\x00-\x1f]*$")]
# Below the repository: no step up, no absolute path.
InsideFile = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=500, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_. -]*(/[A-Za-z0-9_][A-Za-z0-9_. -]*)*$"
    ),
]
Repository = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^/[^\x00-\x1f]*$")]


Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,38}$")]
Digest = Annotated[
    str, StringConstraints(max_length=500, pattern=r"^[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9._-]+)?@sha256:[0-9a-f]{64}$")
]
# In a query:
Named = Annotated[str, Query(min_length=1, max_length=200, description="id, version or commit of a release")]
Where = Annotated[str, Query(min_length=1, max_length=300, description="ENV, ENV@RELEASE or ENV@REVISION")]
SomeService = Annotated[str | None, Query(max_length=100)]
Keep = Annotated[int, Query(ge=1, le=1000, description="newest releases that stay, and ways back")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _whose_token(cls, said: Any) -> Any:
        """Who shows a token of their own is that person, whatever the request says."""
        who = acting()
        return {**said, "by": who.by} if who.proven and "by" in cls.model_fields and isinstance(said, dict) else said


class Apply(Body):
    text: Annotated[str, Field(max_length=512 * 1024)]
    filename: InsideFile = Field("headgate.yaml", description="path of the file below the source")
    source: Repository = Field(description="absolute path of the git repository that releases come from")
    calendars: dict[InsideFile, Annotated[str, Field(max_length=256 * 1024)]] = Field(
        default_factory=dict, max_length=20, description="path below the source -> text of each iCalendar file named"
    )
    by: Person


class CheckSecrets(Apply):
    environment: Annotated[str, StringConstraints(max_length=100)] | None = Field(None, description="of this one alone")


class Make(Body):
    reference: Reference = Field("HEAD", description="branch, tag or commit")
    by: Person


class Prune(Body):
    keep: Annotated[int, Field(ge=1, le=1000, description="newest releases that stay, and ways back")] = 10
    by: Person


class Action(Body):
    by: Person
    why: Reason = ""


class Deploy(Action):
    release: Reference | None = Field(
        None, description="id, version or commit, which is then pinned; none: what comes next here"
    )
    hotfix: bool = Field(False, description="goes before what waits and what is in flight; needs `why`")
    break_glass: bool = Field(False, description="passes closed gates, for whom the rules name; needs `why`")


class Freeze(Action):
    why: Needed
    until: Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)] | None = Field(
        None, description="2h, or a moment with its time zone; none: until someone unfreezes"
    )


class Approve(Action):
    set: Annotated[str, StringConstraints(max_length=200)] = Field(
        "", description="digest of what was looked at, from `review`; empty: what would happen now"
    )
    withdraw: bool = Field(False, description="take one's own approval back")


class MakeLink(Body):
    person: Person = Field(description="who answers by it; nobody else can")
    verbs: Annotated[list[Literal["approve", "reject"]], Field(min_length=1, max_length=2)] = ["approve", "reject"]
    expires: Span = Field("24h", description="how long it is good for")
    by: Person


class Reject(Action):
    why: Needed
    release: Reference | None = Field(None, description="id, version or commit; none: what waits")


class SignOff(Body):
    by: Person
    verdict: Literal["accepted", "rejected"]
    note: Reason = Field("", description="what was found; a rejection needs one")
    release: Reference | None = Field(None, description="id, version or commit; none: what is stable here")


class Rollback(Action):
    to: Reference | None = Field(None, description="id, version or commit; none: what was stable before")


class Migrate(Action):
    restored: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        None, description="SERVICE/LEVEL: data were put back from a backup to what they were at that level"
    )


class Lift(Action):
    release: Reference
    why: Needed


class Announce(Body):
    application: Name
    commit: Commit = Field(description="full SHA of the commit that was built")
    ref: Annotated[str, StringConstraints(max_length=255, pattern=r"^(refs/(heads|tags)/[^\x00-\x20\x7f]+)?$")] = Field(
        "", description="full name of the branch or tag that was built; it must hold the commit"
    )
    images: Annotated[dict[Name, Digest], Field(max_length=200)] = Field(
        default_factory=dict, description="service: image with its digest"
    )
    by: Person = "another CI"


class MakePersonalToken(Body):
    person: Person = Field(description="who acts with it; as `people` of the applied files names them")
    expires: Span | None = Field("90d", description="none: never")
    by: Person


class MakeToken(Body):
    scope: Literal["releases"] = Field(description="what it is for")
    application: Name | Literal[""] = Field("", description="the only one it is good for")
    by: Person


class Test(Body):
    target: Reference | None = Field(None, description="id or kind of a target; none: all of them")
    by: Person
