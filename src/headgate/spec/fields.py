"""Which fields the file has: a walk over the sections, by the names that stand in the file."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from headgate.spec.problems import Path
from headgate.spec.sections.section import Section, ShortForm


def fields(section: type[Section]) -> dict[str, FieldInfo]:
    return {info.alias or name: info for name, info in section.model_fields.items()}


def at(section: type[Section], path: Path) -> Any:
    """The type of what stands at a path: a Section, a `dict[...]` or `list[...]`, a scalar; None where nothing can."""
    here: Any = section
    for part in path:
        here = _below(bare(here), part)
    return bare(here)


def bare(annotation: Any) -> Any:
    """A type without `| None` and annotations; the section, where it may also be written as a scalar."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = _section_of(annotation)
        elif origin in (Union, UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        else:
            return annotation


def _section_of(annotated: Any) -> Any:
    plain, *rest = get_args(annotated)
    return next((one.section for one in rest if isinstance(one, ShortForm)), plain)


def _below(here: Any, part: str | int) -> Any:
    if isinstance(here, type) and issubclass(here, Section):
        found = fields(here).get(str(part))
        return Annotated[found.annotation, *found.metadata] if found and found.metadata else found and found.annotation
    return get_args(here)[-1] if get_origin(here) in (dict, list) else None
