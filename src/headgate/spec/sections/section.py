"""A section: one mapping of the file. Unknown fields are refused; defaults are written as the user would write them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from headgate.spec.tree import Mapping, Scalar
from headgate.spec.units import Unsuitable


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def defaults_to(written: str | int | list[int] | list[str], description: str) -> Any:
    """A field with a default as the user would write it: it is read like any text, and stands so in the JSON Schema."""
    return Field(written, description=description)


def part(section: type[Section], description: str) -> Any:
    """A section within the section; every field of it has a default."""
    return Field(default_factory=section, description=description)


class OneOf(Section):
    """A section of which exactly one field is written."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    @model_validator(mode="after")
    def exactly_one(self) -> "OneOf":
        if len(self.model_fields_set) != 1:
            raise one_of_these(type(self).model_fields, len(self.model_fields_set))
        return self

    @property
    def kind(self) -> str:
        """The name, as in the file, of the field that is written."""
        name = next(iter(self.model_fields_set))
        return type(self).model_fields[name].alias or name


def one_of_these(fields: Any, count: int) -> PydanticCustomError:
    names = ", ".join(field.alias or name for name, field in fields.items())
    return unsuitable(f"exactly one of {names}", "Remove all but one." if count else "Write one of them.")


def unsuitable(allowed: str, remedy: str, at: tuple[int | str, ...] = ()) -> PydanticCustomError:
    """The error that `explain` turns into a problem; `at` leads on from the value to the part that is wrong."""
    return PydanticCustomError("unsuitable", "not allowed here", {"allowed": allowed, "remedy": remedy, "at": at})


@dataclass(frozen=True, eq=False)  # typing hashes annotations
class Written:
    """Reads one scalar. `parse` raises Unsuitable; `allowed` is for what is no scalar at all."""

    parse: Callable[[Scalar], Any]
    allowed: str
    schema: dict[str, Any]

    def validate(self, value: object) -> Any:
        try:
            return self.parse(self.scalar(value))
        except Unsuitable as error:
            raise unsuitable(error.allowed, error.remedy) from error

    def scalar(self, value: object) -> Scalar:
        if isinstance(value, Scalar) and value.kind != "null":
            return value
        if isinstance(value, str):  # a default, or a key of a mapping
            return Scalar(value)
        if isinstance(value, bool | int):  # a default
            return Scalar(str(value).lower(), "flag" if isinstance(value, bool) else "number")
        raise Unsuitable(
            self.allowed, "Write a value behind the colon." if isinstance(value, Scalar) else "Write one value."
        )

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return dict(self.schema)


@dataclass(frozen=True, eq=False)  # typing hashes annotations
class OneOrMore:
    """A scalar, or a list of such: a list either way."""

    one: Written

    def validate(self, value: object) -> list[Any]:
        if not isinstance(value, list):
            return [self.one.validate(value)]
        if not value:
            raise unsuitable("at least one", "Write at least one, or remove the field.")
        return [self._of_list(scalar, position) for position, scalar in enumerate(value)]

    def _of_list(self, scalar: object, position: int) -> Any:
        try:
            return self.one.parse(self.one.scalar(scalar))
        except Unsuitable as error:
            raise unsuitable(error.allowed, error.remedy, (position,)) from error

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        one = self.one.schema
        return {"anyOf": [dict(one), {"type": "array", "items": dict(one), "minItems": 1}]}


@dataclass(frozen=True, eq=False)  # typing hashes annotations
class ShortForm:
    """A section that may also be written as one scalar, which `expand` turns into the section's value.

    `finish` turns the validated section into the field's value.
    """

    section: type[Section]
    expand: Callable[[Scalar, Callable[[Mapping], Any]], Any]
    finish: Callable[[Any], Any]
    allowed: str
    schema: dict[str, Any]

    def validate(self, value: object, section: Callable[[object], Any]) -> Any:
        if isinstance(value, str):  # a default
            value = Scalar(value)
        if isinstance(value, Mapping):
            return self.finish(section(value))
        if not isinstance(value, Scalar) or value.kind == "null":
            raise unsuitable(self.allowed, "Write one of these.")
        try:
            return self.expand(value, section)
        except Unsuitable as error:
            raise unsuitable(error.allowed, error.remedy) from error

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler.generate_schema(self.section)
        return core_schema.no_info_wrap_validator_function(self.validate, inner)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [dict(self.schema), handler(core["schema"])]}
