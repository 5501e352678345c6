"""Logs with years in them: commands of old months, builds, and an environment that goes on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.store.conftest import steps

from headgate.decide.leaving import leaves
from headgate.model.events import Event
from headgate.model.record import CommandAnswered, RowsPruned
from headgate.store.prune import Pruning
from headgate.store.sqlite import SqliteEventLog

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEVEN_YEARS = timedelta(days=7 * 366)
OLD = ((2018, 3), (2018, 4), (2019, 1))


class Calendar:
    moment = NOW

    def now(self) -> datetime:
        return self.moment


def command(by: str = "ann", target: str = "pcw/production", why: str = "a sale") -> CommandAnswered:
    return CommandAnswered("freeze", target, by, "server-token", "cli 127.0.0.1", why, {"until": "2h"}, "accepted")


async def years(path: Path) -> Path:
    """Rows 1 to 12: three old months of two commands, each behind a step of production; then a new month's."""
    calendar = Calendar()
    async with SqliteEventLog(path, calendar) as log:
        for number, (year, month) in enumerate(OLD):
            calendar.moment = datetime(year, month, 5, tzinfo=UTC)
            await log.append("environment:pcw/production", steps(number, 1), after=number)
            asked: list[Event] = [command("ann"), command("bob", "pcw/staging")]
            await log.append(f"commands:{year}-{month:02}", asked, after=0)
        calendar.moment = NOW - timedelta(days=30)
        await log.append("commands:2026-10", [command("ann"), command("eve", "", '=HYPERLINK("http://x")')], after=0)
        await log.append("environment:pcw/production", steps(3, 1), after=3)
    return path


def pruned(path: Path, archive: Path, keep: timedelta = SEVEN_YEARS, now: datetime = NOW) -> RowsPruned | None:
    def leave(stream: str, last: datetime) -> bool:
        return leaves(stream, last, now, keep)

    return Pruning(path, leave, keep, "ann", "seven years", now).run(archive)
