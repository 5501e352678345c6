"""What may start, by the plain words of the glossary: each gate held against the bookkeeping, not against `decide`."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from headgate.model.events import Event
from headgate.model.freezes import Freeze, RolloutsFrozen
from headgate.model.ids import EnvironmentId
from headgate.model.observations import GateAnswer
from headgate.model.parity import ParityGate
from headgate.model.releases import Revision
from headgate.model.rules import Application, ApprovalGate, Environment, SignOffGate, SoakGate, WebhookGate
from headgate.testing.world.ledger import Ledger, Stint

Broken = tuple[str, str]  # the invariant, and what happened


class Gates:
    def __init__(self, ledgers: defaultdict[EnvironmentId, Ledger]) -> None:
        self.specification: Application | None = None
        self.heard: dict[tuple[WebhookGate, str], GateAnswer] = {}  # by gate and rollout, the latest
        self._ledgers = ledgers
        self._line: Freeze | None = None  # the whole server's

    def hear(self, event: Event, at: datetime) -> None:
        """Of the server's stream."""
        self._line = Freeze(event.by, event.why, at, event.until) if isinstance(event, RolloutsFrozen) else None

    def rules(self, where: EnvironmentId) -> Environment | None:
        return self.specification.environment(where.partition("/")[2]) if self.specification else None

    def frozen(self, ledger: Ledger, at: datetime) -> bool:
        return any(one and (one.until is None or at < one.until) for one in (ledger.freeze, self._line))

    def shut(self, where: EnvironmentId, rules: Environment, revision: Revision) -> Iterator[Broken]:
        """For everybody: no glass can be broken there."""
        if rules.after and not self._stints(where, rules, revision):
            yield "predecessor", f"{revision.release} was never stable in {rules.after}"
        if "rejected" in self._verdicts(where, rules, revision).values():
            yield "sign-off", f"{revision.release} starts, which was rejected"

    def closed(self, where: EnvironmentId, rules: Environment, revision: Revision, at: datetime) -> Iterator[Broken]:
        ledger = self._ledgers[where]
        if self.frozen(ledger, at):
            yield "frozen", f"{revision.release} starts in a freeze"
        yield from self._unasked(ledger, rules, revision, at)
        yield from self._unlike(where, rules, revision)
        stints = self._stints(where, rules, revision)
        served = sum((max((stint.until or at) - stint.since, timedelta()) for stint in stints), timedelta())
        verdicts = self._verdicts(where, rules, revision)
        for gate in rules.gates:
            if isinstance(gate, SoakGate) and served < gate.duration:
                yield "gates", f"{revision.release} soaked {served} only"
            if isinstance(gate, SignOffGate) and verdicts[gate.environment] != "accepted":
                yield "sign-off", f"{revision.release} starts, which nobody accepted in {gate.environment}"

    def _unasked(self, ledger: Ledger, rules: Environment, revision: Revision, at: datetime) -> Iterator[Broken]:
        """Of people and other systems."""
        for gate in rules.gates:
            match gate:
                case WebhookGate():
                    said = self.heard.get((gate, ledger.waiting.rollout if ledger.waiting else ""))
                    if said is None or not said.open or at - said.at > gate.every + gate.timeout:
                        yield "asked", f"{revision.release} starts, another system said {said}"
                case ApprovalGate(approvers=named, count=count, author_may_approve=author):
                    mail = revision.author.partition("<")[2].partition("@")[0]
                    people = {p for p in ledger.approved(rules) if (p in named or not named) and (author or p != mail)}
                    if len(people) < count:
                        yield "gates", f"{revision.release} was approved by {sorted(people)} only"

    def _unlike(self, where: EnvironmentId, rules: Environment, revision: Revision) -> Iterator[Broken]:
        """The environments of a world differ in nothing but the release that is stable there."""
        for gate in rules.gates:
            there = self._beside(where, gate.environment).stable if isinstance(gate, ParityGate) else revision
            if there is None or there.release != revision.release:
                kept = there.release if there else "nothing"
                yield "parity", f"{revision.release} starts, and in {gate} {kept} is stable"

    def _stints(self, where: EnvironmentId, rules: Environment, revision: Revision) -> list[Stint]:
        """In the environment before."""
        before = self._beside(where, rules.after).stints if rules.after else []
        return [stint for stint in before if stint.release == revision.release]

    def _verdicts(self, where: EnvironmentId, rules: Environment, revision: Revision) -> dict[str, str | None]:
        asked = [gate.environment for gate in rules.gates if isinstance(gate, SignOffGate)]
        named = [*([rules.after] if rules.after else []), *asked]
        return {name: self._beside(where, name).verdicts.get(revision.release) for name in named}

    def _beside(self, where: EnvironmentId, name: str) -> Ledger:
        application = where.partition("/")[0]
        return self._ledgers[EnvironmentId(f"{application}/{name}")]
