"""What several things at once were refused with, as one error."""

from collections.abc import Sequence

from headgate.ports import AdapterError, Away, Unusable


def joined(errors: Sequence[AdapterError]) -> AdapterError:
    """Each text once. One that is wrong itself makes the whole so; nobody is to blame where all were away."""
    texts = list(dict.fromkeys(map(str, errors)))
    if len(texts) == 1:
        return errors[0]
    if any(isinstance(one, Unusable) for one in errors):
        return Unusable("; ".join(texts))
    away = all(isinstance(one, Away) for one in errors)
    return Away("; ".join(texts)) if away else AdapterError("; ".join(texts))
