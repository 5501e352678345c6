"""The section `checks[N].http[M]`: one request, and what must come back."""

import json
import re
from typing import Annotated

from pydantic import Field

from headgate.spec.sections.metric import JsonPath
from headgate.spec.sections.section import OneOrMore, Section, Written, defaults_to, part
from headgate.spec.sections.texts import (
    ANY_SCALAR,
    Header,
    HeaderValue,
    Name,
    Positive,
    Text,
    UrlPath,
    one_word_of,
    whole,
)
from headgate.spec.tree import Scalar
from headgate.spec.units import Unsuitable

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
JSON_VALUES = "a number, true, false or text"


def _json(scalar: Scalar) -> str:
    """As JSON. A number as it is written: 1.10 is 1.1."""
    if scalar.kind == "text":
        return json.dumps(scalar.text)
    if scalar.kind == "flag":
        return scalar.text.lower()
    if not re.fullmatch(r"-?(0|[1-9]\d{0,17})(\.\d{1,17})?", scalar.text):
        raise Unsuitable(JSON_VALUES, "Write a number such as 3 or 0.5.")
    return scalar.text


STATUS = whole(100, 599)
TEXT = Written(lambda scalar: scalar.text, "text", {"type": ANY_SCALAR})
JsonValue = Annotated[str, Written(_json, JSON_VALUES, {"type": ANY_SCALAR})]


class ExpectSection(Section):
    """All of it must hold."""

    status: Annotated[list[int], OneOrMore(STATUS)] = Field(
        default_factory=lambda: [200], description="One status, or a list of which one must come. Default: 200."
    )
    headers: dict[Header, HeaderValue] = Field(default_factory=dict, description="Each must come with this value.")
    json_: dict[JsonPath, JsonValue] = Field(
        default_factory=dict, alias="json", description="JSON path (RFC 9535) -> the one value it must lead to."
    )
    contains: Annotated[list[str], OneOrMore(TEXT)] | None = Field(
        None, description="Text, or a list of texts, that must be in the answer."
    )
    within: Positive | None = Field(None, description="The whole answer must come within. Default: 30s.")


class RequestSection(Section):
    """Requests are sent one after the other; a cookie that one sets is sent with those behind it."""

    path: UrlPath = Field(description="With its query.", examples=["/healthz"])
    method: Annotated[str, one_word_of(*METHODS)] = defaults_to("GET", "One of these.")
    service: Name | None = Field(None, description="Which service is asked. Default: the first.")
    headers: dict[Header, HeaderValue] = Field(default_factory=dict, description="Sent with it. No secrets.")
    body: Text | None = Field(None, description="Sent with it. Default: none.")
    expect: ExpectSection = part(ExpectSection, "What must come back. Default: status 200.")
