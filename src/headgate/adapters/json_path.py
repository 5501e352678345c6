"""What a JSON path (RFC 9535) leads to in an answer. Both are hostile: the path to a person, the answer to us."""

import json
from collections.abc import Sequence
from itertools import islice
from typing import Any

from headgate.adapters.credentials import without
from headgate.adapters.quoted import short
from headgate.ports import AdapterError

LONGEST_SHOWN = 100  # characters of an answer in a sentence


def values_at(path: str, body: bytes, most: int, secrets: Sequence[str] = ()) -> list[Any]:
    """In order, and no more than `most`. Raises AdapterError where there is no JSON, or no path."""
    from jsonpath import JSONPathEnvironment, JSONPathError  # who follows no path starts without it

    paths = JSONPathEnvironment(strict=True)
    for name in ("match", "search"):  # an answer must not be able to keep a regular expression busy
        del paths.function_extensions[name]
    try:
        return [one.value for one in islice(paths.finditer(path, json.loads(body)), most)]
    except JSONPathError as error:
        why = str(error.args[0]) if error.args else type(error).__name__  # str(error) fails for an empty path
        raise AdapterError(f"{short(path)} is no JSON path: {short(why)}") from error
    except (ValueError, RecursionError) as error:
        begin = short(without(secrets, body), LONGEST_SHOWN)
        raise AdapterError(f"the answer is no JSON: {begin!r}") from error
