"""What adapters and the event log raise. The text is for a person: what happened, where, what to do next."""

from collections.abc import Sequence
from datetime import timedelta


class AdapterError(Exception):
    """The world said no, or nothing. The text is for a person: what happened, where, what to do next."""


class Unusable(AdapterError):
    """The content itself is wrong: asking again changes nothing."""


class Away(AdapterError):
    """What would have done it did not answer: that says nothing against what was asked for."""


class TryLater(AdapterError):
    """It asks for some time, before it is asked again."""

    def __init__(self, text: str, after: timedelta) -> None:
        super().__init__(text)
        self.after = after


class Gone(Unusable):
    """Nobody is there any more, it said, and nobody wants to be asked."""


def joined(errors: Sequence[AdapterError]) -> AdapterError:
    """Several as one, each text once. One that is wrong itself makes the whole so; where all were away, it is that."""
    texts = list(dict.fromkeys(map(str, errors)))
    if len(texts) == 1:
        return errors[0]
    if any(isinstance(one, Unusable) for one in errors):
        return Unusable("; ".join(texts))
    away = all(isinstance(one, Away) for one in errors)
    return Away("; ".join(texts)) if away else AdapterError("; ".join(texts))


class Conflict(Exception):
    """Someone else appended to the stream first: read again and decide again."""


class LogDamaged(Exception):
    """The event log does not verify. The text names the first row that is wrong."""


class LogTooNew(LogDamaged):
    """The event log holds what only a newer Headgate can read. Nothing is wrong with it: this program is too old."""


class LogUnavailable(Exception):
    """The event log cannot be read or written now: disk full, locked. Read again before deciding again."""
