"""The invariants, held at every call of a port and every event, by plain bookkeeping and what was last seen."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from headgate.model import events as e
from headgate.model.glass import GlassBroken
from headgate.model.ids import SERVER_STREAM, EnvironmentId, ReleaseId, RevisionId
from headgate.model.observations import GateAnswer, Instance
from headgate.model.releases import Revision
from headgate.model.routes import Routes, RoutesSeen
from headgate.model.rules import Environment, WebhookGate
from headgate.model.steps import Analyze, AwaitReady, Bake, RunCheck, SetWeight
from headgate.model.verdicts import Outcome
from headgate.testing.world.absences import Absences
from headgate.testing.world.attempts import Attempts
from headgate.testing.world.gates import Gates
from headgate.testing.world.ledger import Ledger, Trial
from headgate.testing.world.story import Story, Told, Violation

EVENTS_A_LOOK = 60  # more follow from one look only if decide goes round in circles
PREFIX = "environment:"


class Watch:
    def __init__(
        self,
        story: Story,
        check_passed: Callable[[RevisionId, str], bool],
        now: Callable[[], datetime],
    ) -> None:
        self.ledgers: defaultdict[EnvironmentId, Ledger] = defaultdict(Ledger)
        self.quarantined: set[ReleaseId] = set()
        self._attempts, self._absences, self._gates = Attempts(), Absences(), Gates(self.ledgers)
        self._story, self._check_passed, self._now = story, check_passed, now
        self._instances: dict[EnvironmentId, Sequence[Instance] | None] = {}
        self._routes: dict[EnvironmentId, RoutesSeen | None] = {}

    # --- what was seen

    def sees_instances(self, environment: EnvironmentId, instances: Sequence[Instance] | None) -> None:
        self._instances[environment] = instances

    def sees_routes(self, environment: EnvironmentId, routes: RoutesSeen | None) -> None:
        self._routes[environment] = routes

    def hears(self, gate: WebhookGate, rollout: str, answer: GateAnswer) -> None:
        self._gates.heard[gate, rollout] = answer

    def _ready(self, environment: EnvironmentId, revision: Revision) -> Counter[str]:
        """Ready instances by service, as seen in the last look."""
        seen = self._instances.get(environment) or ()
        return Counter(i.service for i in seen if i.revision == revision.id and i.state == "ready")

    def _is_complete(self, environment: EnvironmentId, revision: Revision) -> bool:
        ready = self._ready(environment, revision)
        return all(ready[service.name] >= service.replicas for service in revision.services)

    def _serves(self, environment: EnvironmentId, revision: Revision) -> bool:
        ready = self._ready(environment, revision)
        return all(ready[service.name] for service in revision.services)

    # --- what was asked of the world

    def runs(self, revision: Revision) -> None:
        ledger = self.ledgers[revision.environment]
        trial = ledger.trial.started.revision if ledger.trial and ledger.trial.phase in ("trial", "paused") else None
        known = (trial, ledger.stable, None if trial else ledger.previous, ledger.baseline())
        wanted = {r.id for r in known if r}
        self._demand(revision.id in wanted, "two-revisions", "%s is run, wanted are %s", revision.id, sorted(wanted))
        self._tell(revision.environment, "  run %s", revision.id)

    def stops(self, environment: EnvironmentId, revision: RevisionId) -> None:
        ledger, seen = self.ledgers[environment], self._routes.get(environment)
        named = bool(seen and seen.routes and seen.routes.names(revision))
        self._demand(seen is not None and not named, "stop-order", "%s is stopped while routes name it", revision)
        stable = ledger.stable.id if ledger.stable else None
        beside = ledger.baseline()
        needed = revision in (ledger.candidate(), stable, beside.id if beside else None)
        self._demand(not needed, "stop-order", "%s is stopped, which is stable, on trial or beside it", revision)
        self._tell(environment, "  stop %s", revision)

    def routes(self, routes: Routes) -> None:
        environment, ledger = routes.environment, self.ledgers[routes.environment]
        weights = {backend.revision: backend.weight for backend in routes.backends}
        self._tell(environment, "  set routes %s", weights)
        total, serving = sum(weights.values()), {r for r, weight in weights.items() if weight}
        fine = total == 100 or (total == 0 and ledger.stable is None)
        self._demand(fine and len(weights) == len(routes.backends), "weights", "they are %s", weights)
        most = 3 if ledger.baseline() else 2
        self._demand(len(serving) <= most, "two-revisions", "traffic goes to %s", sorted(serving))
        for backend in routes.backends:
            if backend.weight:
                self._demand_ready(environment, backend.revision, backend.endpoints)
        self._demand_owed(environment, serving)
        self._demand_trusted(environment, weights)
        self._demand_beside(environment, weights)

    def _demand_ready(self, where: EnvironmentId, revision: RevisionId, named: Mapping[str, tuple[str, ...]]) -> None:
        seen = self._instances.get(where) or ()
        mine = [i for i in seen if i.revision == revision and i.state == "ready"]
        known = {i.address for i in mine}
        services = {s.name for r in self._revisions(where) if r.id == revision for s in r.services}
        everywhere = {i.service for i in mine} >= services and bool(services)
        only = {address for addresses in named.values() for address in addresses} <= known
        complete = all(named.get(service) for service in services)
        self._demand(everywhere and only and complete, "ready", "traffic goes to %s, which is not ready", revision)

    def _demand_owed(self, environment: EnvironmentId, serving: set[RevisionId]) -> None:
        ledger = self.ledgers[environment]
        beside = ledger.baseline()
        owed = {ledger.candidate(), *(one.id for one in (ledger.stable, beside) if one)}
        self._demand(serving <= owed, "owed", "traffic goes to %s, trusted or on trial are %s", serving, owed)

    def _demand_beside(self, environment: EnvironmentId, weights: Mapping[RevisionId, int]) -> None:
        """A baseline serves beside a candidate only, and no more than that, unless the stable needs it to stand in."""
        ledger = self.ledgers[environment]
        beside, candidate, stable = ledger.baseline(), ledger.candidate(), ledger.stable
        share = weights.get(beside.id, 0) if beside else 0
        if not share:
            return
        mine = weights.get(candidate, 0) if candidate else 0
        self._demand(mine > 0, "beside", "the baseline gets %s %% beside no candidate", share)
        stands_in = stable is not None and not self._serves(environment, stable)
        self._demand(share <= mine or stands_in, "beside", "the baseline gets %s %%, the candidate %s %%", share, mine)
        names = list(weights)
        first = candidate is not None and beside is not None and names[:2] == [candidate, beside.id]
        self._demand(first, "beside", "the order is %s, so that visitors go back and forth", names)

    def _demand_trusted(self, environment: EnvironmentId, weights: Mapping[RevisionId, int]) -> None:
        ledger, candidate = self.ledgers[environment], self.ledgers[environment].candidate()
        if candidate is None or ledger.trial is None or not weights.get(candidate):
            return
        allowed = ledger.trial.trusted_weight()
        stable_is_gone = ledger.stable is None or not self._serves(environment, ledger.stable)
        fine = weights[candidate] <= allowed or (allowed > 0 and stable_is_gone)
        self._demand(fine, "trust", "the candidate gets %s %%, justified are %s %%", weights[candidate], allowed)

    def _revisions(self, environment: EnvironmentId) -> list[Revision]:
        ledger = self.ledgers[environment]
        trial = ledger.trial.started.revision if ledger.trial else None
        return [revision for revision in (trial, ledger.stable, ledger.baseline()) if revision]

    # --- what was decided

    def recorded(self, batch: Sequence[e.Recorded]) -> None:
        self._demand(len(batch) <= EVENTS_A_LOOK, "bounded", "%s events follow from one look", len(batch))
        for one in batch:
            if one.stream.startswith(PREFIX):
                self._recorded(EnvironmentId(one.stream.removeprefix(PREFIX)), one.event, one.at)
            elif one.stream == SERVER_STREAM:
                self._gates.hear(one.event, one.at)
            elif isinstance(one.event, e.ReleaseQuarantined):
                fine = one.event.release in self.quarantined
                self._demand(fine, "blame", "%s is quarantined for nothing", one.event.release)
            elif isinstance(one.event, e.QuarantineLifted):
                self.quarantined.discard(one.event.release)
            elif isinstance(one.event, e.SpecificationApplied):
                self._gates.specification = one.event.application

    def _recorded(self, environment: EnvironmentId, event: e.Event, at: datetime) -> None:
        self._tell(environment, "%s", Told(event))
        ledger = self.ledgers[environment]
        told = isinstance(event, GlassBroken) and event.gates
        self._demand(bool(told) or not ledger.owes_glass, "glass", "closed gates are passed and nothing says so")
        ledger.owes_glass = False
        wrong = self._attempts.hear(environment, event)
        self._demand(not wrong, "attempts", "%s", wrong)
        unfair = self._absences.hear(environment, ledger, event, at)
        self._demand(not unfair, "away", "%s", unfair)
        match event:
            case e.ReleaseRequested():
                self._demand_turn(environment, ledger, event)
            case e.RolloutStarted():
                self._demand_may_start(environment, ledger, event, at)
                self._refuse_after_rollback(ledger, event)
            case e.StepCompleted():
                self._demand_done(environment, ledger, event, at)
            case e.VerdictReached(verdict=verdict, index=index) if verdict.outcome is Outcome.PASS:
                if ledger.trial and isinstance(ledger.trial.started.steps[index], Analyze):
                    self._demand_data(ledger.trial)
            case e.RevisionPromoted(revision=revision):
                self._demand_earned(environment, ledger, revision)
            case e.MeasurementTaken(measurement=taken):
                named = ledger.trial is not None and ledger.trial.baseline is not None
                self._demand(named or taken.against == "stable", "beside", "measured against a baseline that is none")
            case e.RolloutAborted() | e.RolloutEnded():
                self._demand_ending(environment, ledger, event, at)
        ledger.rules = self._gates.rules(environment)
        ledger.apply(event, at)

    def _demand_ending(
        self, where: EnvironmentId, ledger: Ledger, event: e.RolloutAborted | e.RolloutEnded, at: datetime
    ) -> None:
        match event:
            case e.RolloutAborted(gave_way_to=None, blameless=False):
                self._refuse_after_abort(ledger)
            case e.RolloutAborted(blameless=False):
                self._demand_way_given(where, ledger, event, at)
            case e.RolloutEnded(outcome="aborted"):
                self._demand_home(where, ledger)
            case e.RolloutEnded():
                fine = ledger.trial is not None and ledger.trial.phase == "retiring"
                self._demand(fine, "earned", "a rollout ends as promoted that never was")

    # --- whose turn it is

    def _demand_turn(self, where: EnvironmentId, ledger: Ledger, event: e.ReleaseRequested) -> None:
        before, rules = ledger.gave_way, self._gates.rules(where)
        self._demand(ledger.waiting is None, "queue", "%s is asked for while another waits", event.rollout)
        if event.kind == "rollback":
            return
        self._demand(event.by != "headgate" or ledger.pin is None, "pin", "%s comes by itself: pinned", event.rollout)
        named = rules is not None and event.by in rules.break_glass
        self._demand(named or not event.break_glass, "glass", "%s breaks the glass and is not named", event.by)
        kept = before is None or not before.hotfix or event.hotfix
        self._demand(kept, "queue", "%s is asked for instead of a hotfix that waits", event.rollout)
        busy = ledger.trial is not None or before is not None
        taken = event.hotfix or not busy or rules is None or rules.concurrency != "finish"
        self._demand(taken, "finish", "%s is taken before what was begun is finished", event.rollout)

    def _demand_way_given(self, where: EnvironmentId, ledger: Ledger, event: e.RolloutAborted, at: datetime) -> None:
        trial, waiting, rules = ledger.trial, ledger.waiting, self._gates.rules(where)
        if trial is None or waiting is None or rules is None or waiting.revision.release != event.gave_way_to:
            raise self._violation("way", f"{event.rollout} gives way to nothing")
        self._demand(self._precedes(waiting, trial, rules), "way", "%s gives way to who must wait", event.rollout)
        self._demand(trial.position < len(trial.started.steps) - 1, "way", "%s gives way when it is proven", trial)
        self._demand_gates(where, ledger, rules, waiting.revision, at)

    @staticmethod
    def _precedes(waiting: e.ReleaseRequested, trial: Trial, rules: Environment) -> bool:
        if trial.started.kind == "rollback" or trial.phase not in ("trial", "paused"):
            return False
        return waiting.hotfix or (rules.concurrency == "replace" and not trial.hotfix)

    def _demand_no_delay(self, where: EnvironmentId, ledger: Ledger, trial: Trial, at: datetime) -> None:
        """What needs no gate and goes first was let go first, before the candidate took one step more."""
        waiting, rules = ledger.waiting, self._gates.rules(where)
        if waiting is None or rules is None or rules.gates or rules.after or rules.infrastructure:
            return
        if waiting.revision.release in self.quarantined or self._gates.frozen(ledger, at):
            return
        self._demand(not self._precedes(waiting, trial, rules), "way", "%s has to wait", waiting.rollout)

    def _demand_may_start(self, where: EnvironmentId, ledger: Ledger, event: e.RolloutStarted, at: datetime) -> None:
        self._demand(ledger.trial is None, "one-rollout", "%s starts while another is in flight", event.rollout)
        asked = ledger.waiting is not None and ledger.waiting.rollout == event.rollout
        self._demand(asked, "one-rollout", "%s starts and nobody asked for it", event.rollout)
        if event.kind == "rollback":
            return
        release, rules = event.revision.release, self._gates.rules(where)
        self._demand(release not in self.quarantined, "quarantine", "%s starts though it is quarantined", release)
        self._demand(rules is not None, "gates", "%s starts where no rules are", release)
        if rules is not None:
            ledger.owes_glass = self._demand_gates(where, ledger, rules, event.revision, at)

    def _demand_gates(
        self, where: EnvironmentId, ledger: Ledger, rules: Environment, revision: Revision, at: datetime
    ) -> bool:
        """Returns whether a break-glass passes closed ones, whose asker the rules name."""
        for invariant, text in self._gates.shut(where, rules, revision):
            raise self._violation(invariant, text)
        closed, waiting = list(self._gates.closed(where, rules, revision, at)), ledger.waiting
        if waiting and waiting.break_glass and waiting.by in rules.break_glass:
            return bool(closed)
        for invariant, text in closed:
            raise self._violation(invariant, text)
        return False

    def _demand_done(self, where: EnvironmentId, ledger: Ledger, event: e.StepCompleted, at: datetime) -> None:
        trial = ledger.trial
        if trial is None or trial.phase != "trial" or event.index != trial.position:
            raise self._violation("steps", f"step {event.index} is completed out of turn")
        self._demand_no_delay(where, ledger, trial, at)
        instances, routes = self._instances.get(where), self._routes.get(where)
        self._demand(instances is not None and routes is not None, "sight", "step %s ends blindly", event.index)
        revision, step, spent = trial.started.revision, trial.started.steps[event.index], at - trial.entered_at
        match step:
            case AwaitReady():
                fine = all(self._is_complete(where, one) for one in (revision, trial.baseline) if one)
            case RunCheck(check=check):
                fine = self._check_passed(revision.id, f"{trial.started.rollout}-{event.index}")
                self._demand(fine, "check", "%s has not passed", check.name)
            case SetWeight(weight=weight):
                set_to = routes.routes.weight(revision.id) if routes and routes.routes else 0
                alone = ledger.stable is not None and not self._serves(where, ledger.stable)
                fine = (set_to == weight or (set_to == 100 and alone)) and self._serves(where, revision)
            case Analyze(deadline=deadline):
                fine = self._is_proven(trial, event.index, at) or (trial.waved(event.index) and spent >= deadline)
            case Bake(duration=duration):
                fine = not trial.blind and spent >= duration
            case _:
                fine = True
        self._demand(fine, "steps", "step %s (%s) ends without its outcome", event.index, type(step).__name__)

    @staticmethod
    def _is_proven(trial: Trial, index: int, at: datetime) -> bool:
        watched = at - trial.weighed_at
        return trial.verdicts.get(index) is Outcome.PASS and watched >= trial.started.analysis.at_least

    def _demand_data(self, trial: Trial) -> None:
        needed = trial.started.analysis.minimum_requests
        fine = not trial.blind and min(trial.requests, trial.reference) >= needed
        self._demand(fine, "data", "a pass without the requests that a verdict needs, or without sight")

    def _demand_earned(self, where: EnvironmentId, ledger: Ledger, promoted: RevisionId) -> None:
        trial = ledger.trial
        if trial is None or trial.phase != "trial":
            raise self._violation("earned", "a promotion without a trial")
        self._demand(promoted == trial.started.revision.id, "earned", "%s is promoted, which is not on trial", promoted)
        unearned = [index for index in range(len(trial.started.steps) - 1) if not trial.may_pass(index)]
        self._demand(not unearned, "earned", "promoted though steps %s were not walked", unearned)

    def _demand_home(self, where: EnvironmentId, ledger: Ledger) -> None:
        trial, seen = ledger.trial, self._routes.get(where)
        if trial is None or trial.phase != "aborting" or seen is None:
            raise self._violation("home", "an abort ends that was not under way, or is not seen to be done")
        stable = ledger.stable.id if ledger.stable else None
        self._demand(trial.started.replaces == stable, "home", "stable is %s now, which it was not before", stable)
        weights = {b.revision: b.weight for b in seen.routes.backends if b.weight} if seen.routes else {}
        home = {stable: 100} if stable else {}
        self._demand(weights == home, "home", "an abort ends with weights %s", weights)

    # --- quarantine, by the plain words of the glossary

    def _refuse_after_abort(self, ledger: Ledger) -> None:
        trial = ledger.trial
        if trial is None or trial.started.kind == "rollback":
            return
        if ledger.stable is None or ledger.stable.release != trial.started.revision.release:
            self.quarantined.add(trial.started.revision.release)

    def _refuse_after_rollback(self, ledger: Ledger, event: e.RolloutStarted) -> None:
        if event.kind == "rollback" and ledger.stable and ledger.stable.release != event.revision.release:
            self.quarantined.add(ledger.stable.release)

    # --- telling

    def _tell(self, environment: EnvironmentId, text: str, *about: object) -> None:
        self._story.tell(self._now(), f"%s: {text}", environment.partition("/")[2], *about)

    def _demand(self, holds: bool, invariant: str, text: str, *about: object) -> None:
        if not holds:
            raise self._violation(invariant, text % about)

    def _violation(self, invariant: str, text: str) -> Violation:
        self._story.tell(self._now(), "VIOLATION of %s: %s", invariant, text)
        return Violation(invariant, text)
