"""What may leave the log by policy: what nobody folds any more, once it is older than the policy keeps."""

from datetime import datetime, timedelta

# Every state is folded from the streams of applications, environments, releases and targets: they stay whole.
RECORDS = ("commands:", "build:")


def leaves(stream: str, last: datetime, now: datetime, keep: timedelta) -> bool:
    """`last` is the moment of its last row. A stream leaves whole or not at all."""
    return stream.startswith(RECORDS) and now - last > keep
