"""Events to JSON and back. The class name is the kind; what is written once must stay readable for years.

Unknown fields are ignored and missing ones take their default. What cannot be understood is refused, never guessed.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from cattrs import Converter
from cattrs.errors import CattrsError
from cattrs.strategies import configure_tagged_union

from headgate.model.events import Event
from headgate.model.rules import Gate
from headgate.model.steps import Step
from headgate.ports import LogTooNew

KINDS: dict[str, type] = {kind.__name__: kind for kind in get_args(Event)}
BucketCounts = dict[int, int]  # a histogram, as most measurements hold four of: see `_runs`
WIDEST_GAP = 3  # empty buckets that a run goes on over: a new one costs as much
NOT_UNDERSTOOD = (KeyError, ValueError, TypeError, AttributeError, CattrsError)


def encode(event: Event) -> str:
    """ASCII only: what a process printed may hold lone surrogates and NULs, which databases refuse."""
    value = converter.unstructure(event)
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"), check_circular=False)


def decode(kind: str, payload: str) -> Event:
    known = KINDS.get(kind)
    if known is None:
        raise LogTooNew(_newer(f'The event log holds events of kind "{kind}", which this Headgate does not know.'))
    try:
        return converter.structure(json.loads(payload), known)
    except NOT_UNDERSTOOD as error:
        raise LogTooNew(
            _newer(f"This Headgate cannot understand a {kind} of the event log ({_words(error)}).")
        ) from error


def _newer(what: str) -> str:
    return f"{what} A newer Headgate wrote it: run that version or a later one on this data folder."


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def datetime_text(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone; times in the log are UTC")
    return value.astimezone(UTC).isoformat()


def datetime_from(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _seconds(value: timedelta) -> int | float:
    seconds = value.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def _exactly(*allowed: type) -> Any:
    """Structure hook of a plain value. cattrs would convert: a null would become the text "None"."""

    def plain(value: Any, _: Any) -> Any:
        if value.__class__ not in allowed:
            raise TypeError(f"{value!r} where {allowed[0].__name__} was expected")
        return value

    return plain


def _runs(counts: BucketCounts) -> str:
    """40:2,,3;90:1 is two answers in bucket 40, three in 42, one in 90: half as long as an object of them."""
    text, last = "", 0
    for index in sorted(counts):
        near = text and index - last <= WIDEST_GAP + 1
        text += "," * (index - last) if near else f"{';' if text else ''}{index}:"
        text += str(counts[index])
        last = index
    return text


def _bucket_counts(value: str | dict[str, int], _: Any) -> BucketCounts:
    """Logs of before wrote an object."""
    if isinstance(value, dict):
        return {int(index): count for index, count in value.items()}
    counts: BucketCounts = {}
    for run in filter(None, value.split(";")):
        first, _, written = run.partition(":")
        counts |= {int(first) + at: int(count) for at, count in enumerate(written.split(",")) if count}
    return counts


def _converter() -> Converter:
    made = Converter(
        detailed_validation=False
    )  # a fifth of the time for 5,000 events; the kind and cause are named anyway
    made.register_unstructure_hook(datetime, datetime_text)
    made.register_structure_hook(datetime, lambda value, _: datetime_from(value))
    made.register_unstructure_hook(timedelta, _seconds)
    made.register_structure_hook(timedelta, lambda value, _: timedelta(seconds=value))
    made.register_structure_hook(str, _exactly(str))
    made.register_structure_hook(bool, _exactly(bool))
    made.register_structure_hook(int, _exactly(int))
    made.register_structure_hook(float, _exactly(float, int))
    made.register_structure_hook_func(lambda kind: kind == BucketCounts, _bucket_counts)
    made.register_unstructure_hook_func(lambda kind: kind == BucketCounts, _runs)
    for union in (Step, Gate):
        configure_tagged_union(union, made, tag_name="kind")
    return made


converter = _converter()
