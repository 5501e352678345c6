"""What the watch holds of migrations: each runs once, none under code that needs what it takes; none is gone past."""

from collections import defaultdict
from datetime import datetime

from headgate.model import events as e
from headgate.model.checks import CheckEnded
from headgate.model.ids import EnvironmentId
from headgate.model.monitors import MonitoringEnded, MonitoringStarted
from headgate.model.releases import Revision
from headgate.model.schema import DataRestored, MigrationEnded, MigrationOrder, MigrationStarted
from headgate.model.verdicts import Outcome
from headgate.testing.world.watch import Watch

Key = tuple[str, int]  # service, level


class Books:
    """Of one environment, from its events alone."""

    def __init__(self) -> None:
        self.passed: set[Key] = set()
        self.held: set[Key] = set()  # contract migrations that failed or are undone: people run them
        self.contracted: dict[Key, None] = {}
        self.running: MigrationStarted | None = None
        self.warm_until: datetime | None = None
        self.restored: set[Key] = set()  # what a backup lacks, until it runs again: code that runs goes on running
        self.monitored = False
        self.away = False  # since the last step something did not answer, or was lost
        self.blind = False  # and no measurement said anything

    def due(self, revision: Revision) -> set[Key]:
        """Contract migrations that must run by themselves."""
        both = ((service.name, one) for service in revision.services for one in service.migrations)
        keys = {(name, one.level) for name, one in both if one.kind == "contract"}
        first = min(keys - self.passed, key=lambda key: key[1], default=None)
        return {first} - self.held if first else set()


class SchemaWatch(Watch):
    def __init__(self, *more: object) -> None:
        super().__init__(*more)  # type: ignore[arg-type]
        self.books: dict[EnvironmentId, Books] = defaultdict(Books)

    def runs(self, revision: Revision) -> None:
        super().runs(revision)
        books = self.books[revision.environment]
        lacking = [
            f"{service.name} {one.level}"
            for service in revision.services
            for one in service.migrations
            if one.kind == "expand" and (service.name, one.level) not in books.passed | books.restored
        ]
        self._demand(not lacking, "schema", "%s is run without migrations %s", revision.id, lacking)

    def migrates(self, order: MigrationOrder) -> None:
        begun = self.books[order.environment].running
        fine = begun is not None and (begun.service, begun.migration, begun.attempt) == _of(order)
        self._demand(fine, "once", "%s is run, which did not begin", order.id)
        self._tell(order.environment, "  migrate %s %s", order.service, order.migration.level)

    def _recorded(self, environment: EnvironmentId, event: e.Event, at: datetime) -> None:
        books = self.books[environment]
        match event:
            case MigrationStarted():
                self._demand_may_migrate(environment, books, event, at)
                self._begin(books, event)
            case MigrationEnded(service=service, level=level, outcome=outcome):
                self._end(books, (service, level), outcome)
            case DataRestored(service=service, level=level):
                above = {key for key in books.passed | books.held if key[0] == service and key[1] > level}
                books.contracted = {key: None for key in books.contracted if key not in above}
                books.passed, books.held = books.passed - above, books.held | above
                books.restored |= above
            case e.RolloutStarted(revision=revision):
                self._demand_within(books, revision)
                books.warm_until = None
            case MonitoringStarted() | MonitoringEnded():
                books.monitored = isinstance(event, MonitoringStarted)
            case e.RevisionPromoted(warm_until=warm):
                books.warm_until = warm if self.ledgers[environment].stable else None
        self._note_blindness(environment, books, event)
        super()._recorded(environment, event, at)

    def _note_blindness(self, environment: EnvironmentId, books: Books, event: e.Event) -> None:
        """Nobody is let off who could be judged."""
        match event:
            case e.EffectFailed(away=True) | CheckEnded(outcome="lost") | MigrationEnded(lost=True):
                books.away = True
            case e.StepCompleted() | e.RolloutStarted():
                books.away = books.blind = False
            case e.VerdictReached(verdict=verdict):
                books.blind = verdict.outcome is Outcome.NO_DATA
            case e.RolloutAborted(blameless=True):
                unseen = self._instances.get(environment) is None or self._routes.get(environment) is None
                let_off = unseen or books.away or books.blind
                self._demand(let_off, "blame", "nobody is blamed though everything could be seen")

    @staticmethod
    def _begin(books: Books, event: MigrationStarted) -> None:
        books.running = event
        if event.migration.kind == "contract":
            books.contracted[event.service, event.migration.level] = None

    @staticmethod
    def _end(books: Books, key: Key, outcome: str) -> None:
        books.running = None
        books.held.discard(key)
        if outcome == "passed":
            books.passed.add(key)
            books.restored.discard(key)
        elif key in books.contracted:
            books.held.add(key)

    def _demand_may_migrate(self, where: EnvironmentId, books: Books, event: MigrationStarted, at: datetime) -> None:
        key = (event.service, event.migration.level)
        self._demand(books.running is None, "once", "two migrations run at once, %s the second", key)
        self._demand(key not in books.passed, "once", "migration %s runs again", key)
        if event.migration.kind == "expand":
            return
        ledger, seen = self.ledgers[where], self._instances.get(where)
        others = {one.revision for one in seen if one.revision != event.revision.id} if seen is not None else None
        self._demand(others == set(), "contract", "%s begins while %s are there", key, others)
        alone = ledger.trial is None or ledger.stable is None
        self._demand(alone, "contract", "%s begins while a rollout may go back", key)
        self._demand(not books.monitored, "contract", "%s begins while what is stable is monitored", key)
        cold = books.warm_until is None or at >= books.warm_until
        self._demand(cold, "contract", "%s begins while what was stable is warm", key)

    def _demand_within(self, books: Books, revision: Revision) -> None:
        levels = {service.name: service.level for service in revision.services}
        past = [key for key in books.contracted if key[0] in levels and levels[key[0]] < key[1]]
        self._demand(not past, "horizon", "%s starts, made for data before %s", revision.id, past)


def _of(order: MigrationOrder) -> tuple[str, object, int]:
    return order.service, order.migration, int(order.id.rpartition("-")[2])
