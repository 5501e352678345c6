"""References to secrets: hostile until checked; `NAME#KEY` names one entry of a secret that has several."""

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from headgate.adapters.quoted import short
from headgate.ports import Unusable

LONGEST = 512  # characters of a reference, and of a version
SHOWN = 80  # characters of one that a sentence repeats
KEY = re.compile(r"[A-Za-z0-9_.@-]{1,253}")


def named(reference: str, names: re.Pattern[str], such_as: str) -> str:
    """The reference, where it is one. Raises Unusable: `..` climbs, and all else that is no name is no name."""
    fits = len(reference) <= LONGEST and names.fullmatch(reference)
    if not fits or {".", ".."} & set(reference.split("/")):
        raise Unusable(f"{short(reference, SHOWN)!r} is no reference of this store: write one such as {such_as}")
    return reference


def keyed(reference: str, names: re.Pattern[str], such_as: str) -> tuple[str, str]:
    """Name and key; no key is an empty one. Raises Unusable."""
    name, sharp, key = reference.partition("#")
    if sharp and not KEY.fullmatch(key):
        raise Unusable(f"{short(reference, SHOWN)!r} is no reference of this store: write one such as {such_as}")
    return named(name, names, such_as), key


def entry(entries: Mapping[str, Any], key: str, reference: str) -> Any:
    """The one that the key names, or the only one there is. Raises Unusable, which names keys and shows no value."""
    if not key and len(entries) == 1:
        return next(iter(entries.values()))
    if key not in entries:
        what = f"{reference} has no key {short(key, SHOWN)}" if key else f"{reference} has {len(entries)} keys"
        raise Unusable(f"{what}; write NAME#KEY{near(key, entries)}")
    return entries[key]


def text(value: Any, reference: str) -> str:
    """What a variable can hold. Raises Unusable."""
    if not isinstance(value, str):
        value = json.dumps(value, separators=(",", ":"))
    if "\x00" in value:
        raise Unusable(f"{reference} holds a zero byte, which no variable can")
    return str(value)


def decoded(value: bytes, reference: str) -> str:
    try:
        return text(value.decode(), reference)
    except UnicodeDecodeError:  # whose text shows the bytes: not even as its cause
        raise Unusable(f"{reference} holds bytes that are no UTF-8 text: store it as text, in base64 for one") from None


def near(name: str, known: Iterable[str]) -> str:
    """Names that may be meant, as the end of a sentence."""
    names = sorted(known)
    close = get_close_matches(name, names, 3) or names[:3]
    return f"; there is {', '.join(short(one, SHOWN) for one in close)}" if close else ""
