"""What a world begins with: environments with their rules, and releases that are good or bad in some way."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from headgate.model.checks import Check
from headgate.model.ids import EnvironmentId, ReleaseId, RevisionId
from headgate.model.infrastructure import Infrastructure
from headgate.model.migrations import Migration, MigrationKind
from headgate.model.monitors import Burn, LatencyObjective, MonitorRules
from headgate.model.parity import ParityGate
from headgate.model.releases import Revision
from headgate.model.rules import (
    AnalysisRules,
    ApprovalGate,
    Audience,
    Concurrency,
    Deadlines,
    Environment,
    Gate,
    SignOffGate,
    SoakGate,
    Strategy,
    Tolerance,
    WebhookGate,
)
from headgate.model.services import Service
from headgate.testing.fakes.platform import Behaviour
from headgate.testing.world.chance import Chance

PEOPLE = ("ann", "bob", "cleo", "dan")
SECOND = timedelta(seconds=1)
CANARY = Strategy("canary", (5, 25, 50))


@dataclass(frozen=True, slots=True)
class Quality:
    """What users and the platform get from a release."""

    name: str
    errors: float = 0.002  # share of answers
    p99_ms: float = 100.0
    behaviour: Behaviour | None = None
    turns_bad_after: float | None = None  # seconds of traffic: then nearly every request fails


CHECKS = (Check("smoke", "smoke", timeout=15 * SECOND), Check("e2e", "run", "e2e", retries=1))
GOOD = Quality("good")
QUALITIES = (
    *(GOOD,) * 5,
    Quality("sound, slow to get ready", behaviour=Behaviour(ready_after=8 * SECOND, drains_in=4 * SECOND)),
    Quality("errors", errors=0.2),
    Quality("slow", p99_ms=400.0),
    *(Quality("turns bad", turns_bad_after=after) for after in (60.0, 100.0)),
    Quality("dies", behaviour=Behaviour(ready_after=SECOND, lives_for=6 * SECOND)),
    Quality("never ready", behaviour=Behaviour(ready_after=None)),
    Quality("fails its check", behaviour=Behaviour(checks="failed", check_takes=2 * SECOND)),
    Quality("its check is lost", behaviour=Behaviour(checks="lost")),
    Quality("its migration fails", behaviour=Behaviour(migrates="failed", migration_takes=2 * SECOND)),
    Quality("its migration is lost", behaviour=Behaviour(migrates="lost")),
    Quality("its check takes long, and passes repeated", behaviour=Behaviour(check_takes=9 * SECOND, fails_first=1)),
)


@dataclass(frozen=True, slots=True)
class Made:
    """A release as the world knows it."""

    id: ReleaseId
    number: int
    author: str
    quality: Quality
    services: tuple[Service, ...]

    def revision(self, environment: EnvironmentId, configuration: int) -> Revision:
        name = environment.partition("/")[2]
        return Revision(
            RevisionId(f"rev_{self.number}_{name}_{configuration}"),
            environment,
            self.id,
            commit=f"{self.number:040x}",
            label=f"v{self.number}",
            services=self.services,
            author=f"{self.author.capitalize()} <{self.author}@example.org>",
        )


def make_migrations(chance: Chance, number: int, before: Made | None) -> tuple[Migration, ...]:
    """Those of the release before, most often; and one of its own, by chance."""
    known = before.services[0].migrations if before and chance.happens(0.8) else ()
    if chance.happens(0.6):
        return known
    kind: MigrationKind = chance.one(("expand", "contract"))
    return (*known, Migration(number, f"migrate {number}", kind, 20 * SECOND))


def make_release(chance: Chance, number: int, before: Made | None) -> Made:
    migrations = make_migrations(chance, number, before)
    services = [Service("web", ("web",), 8000, replicas=chance.one((1, 1, 2)), migrations=migrations)]
    if chance.happens(0.2):
        services.append(Service("quotes", ("quotes",), 8000))
    quality = GOOD if number == 1 else chance.one(QUALITIES)
    return Made(ReleaseId(f"rel_{number}"), number, chance.one(PEOPLE), quality, tuple(services))


def make_pipeline(chance: Chance) -> tuple[Environment, ...]:
    """One environment, or staging and production."""
    if chance.happens(0.5):
        return (make_rules(chance, "production", None),)
    return (make_rules(chance, "staging", None), make_rules(chance, "production", "staging"))


def make_rules(chance: Chance, name: str, after: str | None) -> Environment:
    return Environment(
        name,
        platform="fake",
        traffic="fake",
        metrics="fake",
        after=after,
        concurrency=make_concurrency(chance),
        deploy=chance.one(("on-request", "on-advance" if after else "on-build")),
        strategy=make_strategy(chance),
        checks=tuple(chance.some(CHECKS, 0.5)),
        gates=make_gates(chance, after),
        break_glass=make_glass(chance),
        analysis=make_analysis(chance),
        contract=chance.one(("by-itself", "by-itself", "on-request")),
        bake=chance.one((0, 0, 10)) * SECOND,
        keep_warm=chance.one((0, 20, 60)) * SECOND,
        monitor=make_monitor(chance),
        deadlines=Deadlines(30 * SECOND, 12 * SECOND, 20 * SECOND, 8 * SECOND, 60 * SECOND),
    )


def make_concurrency(chance: Chance) -> Concurrency:
    return chance.one(("queue", "queue", "replace", "finish"))


def make_monitor(chance: Chance) -> MonitorRules | None:
    """Short, so that rollouts come between; with promises, or the record of the one before alone."""
    if chance.happens(0.3):
        return None
    lasts = chance.one((40, 90, 150)) * SECOND
    return MonitorRules(
        lasts,
        warm=chance.one((0, 30, 150)) * SECOND,
        interval=chance.one((1, 2)) * SECOND,
        availability=chance.one((None, 0.999)),
        latency=chance.one(((), (LatencyObjective(0.9, 0.08 * SECOND),))),
        burn=(Burn(14.4, lasts / 2, lasts / 20),),
        on_breach=chance.one(("rollback", "rollback", "call")),
    )


def make_glass(chance: Chance) -> tuple[str, ...]:
    return chance.one(((), ("ann",), ("bob", "cleo")))


def make_analysis(chance: Chance) -> AnalysisRules:
    """Margins so wide that a good release is proven within seconds, and a bad one is still beyond them."""
    return AnalysisRules(
        errors=Tolerance(0.02, 0.12),
        latency=Tolerance(0.5, 2.0),
        p99=Tolerance(0.5, 2.0),
        blip=chance.one((0, 2)) * SECOND,
        unproven=chance.one(("hold", "promote", "rollback")),
        at_least=chance.one((4, 8)) * SECOND,
        deadline=60 * SECOND,
    )


def make_strategy(chance: Chance) -> Strategy:
    audience = Audience({"X-Beta": "1"}) if chance.happens(0.2) else None
    strategy = chance.one((CANARY, CANARY, Strategy("canary", (20,)), Strategy("blue-green"), Strategy("all-at-once")))
    beside = strategy.kind == "canary" and chance.happens(0.5)
    return replace(strategy, sticky=chance.happens(0.3), audience=audience, baseline=beside)


def make_copies(chance: Chance, quality: Quality) -> Behaviour:
    """How fresh copies of a stable behave: mostly as it does; but machines are full, and databases away."""
    usual = quality.behaviour or Behaviour()
    return chance.one((usual, usual, usual, Behaviour(ready_after=None), Behaviour(lives_for=25 * SECOND)))


def make_gates(chance: Chance, after: str | None) -> tuple[Gate, ...]:
    gates: list[Gate] = []
    if chance.happens(0.3):
        who = chance.one(((), ("ann", "bob", "cleo")))
        count, author = chance.one((1, 2)), chance.happens(0.3)
        gates.append(ApprovalGate(who, count, author, deadline=90 * SECOND))
    if after and chance.happens(0.4):
        gates.append(SoakGate(20 * SECOND, deadline=90 * SECOND))
    if after:
        gates += make_beside(chance, after)
    if chance.happens(0.2):
        gates.append(WebhookGate("https://gate.example.org", 2 * SECOND, every=5 * SECOND, deadline=90 * SECOND))
    return tuple(gates)


def on_ground(chance: Chance, rules: Environment) -> Environment:
    """With infrastructure. Only where somebody is asked may it say that anything is destroyed."""
    asked = any(isinstance(gate, ApprovalGate) for gate in rules.gates)
    if not asked and chance.happens(0.5):
        asked, rules = True, replace(rules, gates=(ApprovalGate((), deadline=90 * SECOND), *rules.gates))
    destroy: Literal["never", "approved"] = "approved" if asked and chance.happens(0.8) else "never"
    made_from = Infrastructure("fake", "/srv/infrastructure", destroy=destroy, timeout=60 * SECOND)
    return replace(rules, infrastructure=made_from)


def make_beside(chance: Chance, after: str) -> list[Gate]:
    """What looks at the environment before: a sign-off there, or whether the same runs there; most often nothing."""
    drawn = chance.between(0, 1)
    if drawn < 0.3:
        return [SignOffGate(after, deadline=90 * SECOND)]
    return [ParityGate(after, deadline=90 * SECOND)] if drawn > 0.85 else []
