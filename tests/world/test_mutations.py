"""The invariants bite: a world catches each way of breaking the rules, under the name of what it breaks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from headgate.decide import accept, approving, fold, gates, judging, passing, pipeline, plan, progress, rules
from headgate.decide.fold import apply
from headgate.model import effects
from headgate.model import events as e
from headgate.model.commands import Deploy, Refused
from headgate.model.ids import EnvironmentId, RevisionId
from headgate.model.observations import GateAnswer, Seen
from headgate.model.releases import Revision
from headgate.model.rollouts import EnvironmentState, Request, Rollout
from headgate.model.rules import WebhookGate
from headgate.model.verdicts import Outcome, Verdict
from headgate.testing.fakes.clock import EPOCH
from headgate.testing.world.simulation import MakeWheels, simulate
from headgate.testing.world.story import Violation
from headgate.testing.world.wheels import PlainWheels

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]  # seconds; a busy machine is not a failure

SEEDS = 150  # a mutant that lives longer is not caught

Patch = pytest.MonkeyPatch


def stop_before_shift(patch: Patch) -> None:
    def stops(state: EnvironmentState, seen: Seen, now: datetime) -> list[effects.Effect]:
        keep = {revision.id for revision in plan.wanted(state, now)}
        stray = {i.revision for i in seen.instances or () if i.revision not in keep and i.state != "stopping"}
        return [effects.Stop(state.id, revision) for revision in sorted(stray)]

    patch.setattr(plan, "_stops", stops)


def no_data_is_pass(patch: Patch) -> None:
    honest = progress.verdict_now

    def verdict_now(rollout: Rollout, now: datetime) -> Verdict:
        verdict = honest(rollout, now)
        return replace(verdict, outcome=Outcome.PASS) if verdict.outcome is Outcome.NO_DATA else verdict

    for module in (progress, rules):
        patch.setattr(module, "verdict_now", verdict_now)


def route_to_unready(patch: Patch) -> None:
    patch.setattr(plan, "can_serve", lambda revision, seen: True)


def forget_the_gate(patch: Patch) -> None:
    patch.setattr(gates, "_gate", lambda *_: None)


def let_the_author_approve(patch: Patch) -> None:
    patch.setattr(approving, "is_author", lambda *_: False)


def approvals_outlive_what_they_were_for(patch: Patch) -> None:
    patch.setattr(approving, "exact_set", lambda request, state, rules: request.rollout)


def hold_absence_against_it(patch: Patch) -> None:
    """A store of secrets, a registry: whatever the candidate needed and nobody answered for."""
    patch.setattr(rules, "was_away", lambda *_: "")


def forget_the_predecessor(patch: Patch) -> None:
    def may_not_deploy(revision: Revision, state: EnvironmentState, seen: Seen) -> Refused | None:
        return honest(revision, state, replace(seen, passed={revision.release: EPOCH}))

    honest = accept._may_not_deploy
    patch.setattr(gates, "_predecessor", lambda *_: None)
    patch.setattr(accept, "_may_not_deploy", may_not_deploy)


def go_first_unasked(patch: Patch) -> None:
    """As if every environment replaced."""
    patch.setattr(rules, "_goes_first", lambda request, rollout, rules: not rollout.hotfix)


def replace_a_hotfix(patch: Patch) -> None:
    patch.setattr(rules, "_goes_first", lambda request, _, rules: request.hotfix or rules.concurrency == "replace")


def a_hotfix_waits(patch: Patch) -> None:
    patch.setattr(rules, "RULES", tuple(rule for rule in rules.RULES if rule is not rules.abort_for_another))


def blame_who_gives_way(patch: Patch) -> None:
    honest = fold._refused_after_abort
    patch.setattr(fold, "_refused_after_abort", lambda event, *more: honest(replace(event, gave_way_to=None), *more))


def disturb_what_is_to_be_finished(patch: Patch) -> None:
    patch.setattr(accept, "_busy_with", lambda state: None)


def overtake_a_hotfix(patch: Patch) -> None:
    honest = accept._must_stand_back

    def must_stand_back(command: Deploy, state: EnvironmentState, seen: Seen) -> Refused | None:
        waiting = state.waiting and replace(state.waiting, hotfix=False)
        return honest(command, replace(state, waiting=waiting), seen)

    patch.setattr(accept, "_must_stand_back", must_stand_back)


def forget_the_pin(patch: Patch) -> None:
    honest = accept._must_stand_back

    def must_stand_back(command: Deploy, state: EnvironmentState, seen: Seen) -> Refused | None:
        return honest(command, replace(state, pin=None), seen)

    patch.setattr(accept, "_must_stand_back", must_stand_back)
    patch.setattr(pipeline, "_holds", lambda rules, here: False)


def forget_the_sign_off(patch: Patch) -> None:
    patch.setattr(gates, "_sign_off", lambda *_: None)


def forget_the_rejection(patch: Patch) -> None:
    for module in (gates, accept):
        patch.setattr(module, "rejected", lambda *_: "")


def forget_the_freeze(patch: Patch) -> None:
    patch.setattr(gates, "standstill", lambda *_: [])


def forget_the_whole_line(patch: Patch) -> None:
    honest = gates.standstill
    patch.setattr(gates, "standstill", lambda state, seen, now: honest(state, replace(seen, frozen=None), now))


def take_no_answer_for_a_yes(patch: Patch) -> None:
    """Or a no."""
    honest = gates._webhook
    yes = GateAnswer(True, "", EPOCH)

    def webhook(gate: WebhookGate, request: Request, seen: Seen, now: datetime) -> gates.Closed | None:
        return honest(gate, request, replace(seen, answers={(gate, request.rollout): replace(yes, at=now)}), now)

    patch.setattr(gates, "_webhook", webhook)


def take_a_yes_to_another_start(patch: Patch) -> None:
    honest = gates._webhook

    def webhook(gate: WebhookGate, request: Request, seen: Seen, now: datetime) -> gates.Closed | None:
        yes = [answer for (asked, _), answer in seen.answers.items() if asked == gate and answer.open]
        found = {(gate, request.rollout): replace(yes[0], at=now)} if yes else seen.answers
        return honest(gate, request, replace(seen, answers=found), now)

    patch.setattr(gates, "_webhook", webhook)


def take_anything_for_a_replica(patch: Patch) -> None:
    patch.setattr(gates, "no_replica", lambda gate, here, there: "")


def let_anybody_break_glass(patch: Patch) -> None:
    patch.setattr(accept, "_may_not_break_glass", lambda *_: None)
    for module in (gates, passing, rules):
        patch.setattr(module, "breaks_glass", lambda request, rules: request.break_glass)


def break_glass_for_everything(patch: Patch) -> None:
    patch.setattr(gates, "breaks_glass", lambda *_: True)


def _instead_of(honest: rules.Rule, mutant: rules.Rule) -> tuple[rules.Rule, ...]:
    return tuple(mutant if rule is honest else rule for rule in rules.RULES)


def break_glass_in_silence(patch: Patch) -> None:
    def start_what_waits(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
        return rules.start_what_waits(state, seen, now)[:1]

    patch.setattr(rules, "RULES", _instead_of(rules.start_what_waits, start_what_waits))


def repeat_checks_for_ever(patch: Patch) -> None:
    patch.setattr(fold, "_next_attempt", lambda event: event.attempt + 1)


def promote_without_check(patch: Patch) -> None:
    patch.setattr(progress, "_checked", lambda *_: progress.Done("looks good to me"))


def raise_without_verdict(patch: Patch) -> None:
    patch.setattr(progress, "_analyzed", lambda *_: progress.Done("looks good to me"))


def weights_not_100(patch: Patch) -> None:
    honest = plan._weights

    def weights(state: EnvironmentState, ready: list[Revision]) -> dict[RevisionId, int] | None:
        shares = honest(state, ready)
        return shares and {revision: share - (share == 5) for revision, share in shares.items()}

    patch.setattr(plan, "_weights", weights)


def raise_the_weight_too_early(patch: Patch) -> None:
    """The weight of the step to come, not of the one that is being walked."""

    def weight_of(state: EnvironmentState) -> int:
        rollout = state.rollout
        if rollout is None or rollout.phase not in ("running", "paused"):
            return 0
        return judging.weight_at(replace(rollout, position=min(rollout.position + 1, len(rollout.steps) - 1)))

    patch.setattr(plan, "weight_of", weight_of)


def double_start(patch: Patch) -> None:
    def start_what_waits(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
        return rules.start_what_waits(replace(state, rollout=None), seen, now)

    patch.setattr(rules, "RULES", _instead_of(rules.start_what_waits, start_what_waits))


def abort_goes_nowhere(patch: Patch) -> None:
    def finish_abort(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
        rollout = state.rollout
        aborting = rollout is not None and rollout.phase == "aborting"
        return [e.RolloutEnded(rollout.id, "aborted", "over")] if rollout and aborting else []

    patch.setattr(rules, "RULES", (finish_abort, *(rule for rule in rules.RULES if rule is not rules.finish_abort)))


def abort_never_ends(patch: Patch) -> None:
    patch.setattr(rules, "RULES", tuple(rule for rule in rules.RULES if rule is not rules.finish_abort))


def ignore_quarantine(patch: Patch) -> None:
    def refused(request: Request, state: EnvironmentState, seen: Seen) -> str:
        return ""

    def may_not_deploy(revision: Revision, state: EnvironmentState, seen: Seen) -> Refused | None:
        return honest(revision, state, replace(seen, quarantined={}))

    honest = accept._may_not_deploy
    patch.setattr(rules, "_refused", refused)
    patch.setattr(accept, "_may_not_deploy", may_not_deploy)


def unknown_is_success(patch: Patch) -> None:
    patch.setattr(rules, "progress", progress._outcome)


def leave_strays(patch: Patch) -> None:
    patch.setattr(plan, "_stops", lambda *_: [])


def keep_everything(patch: Patch) -> None:
    """While a candidate is on trial, what was stable before the stable is kept up as well."""
    honest = plan.wanted

    def wanted(state: EnvironmentState, now: datetime) -> list[Revision]:
        on_trial = state.rollout is not None and state.rollout.phase in ("running", "paused")
        more = [state.previous] if state.previous and on_trial else []
        return plan._distinct([*honest(state, now), *more])

    patch.setattr(plan, "wanted", wanted)


def the_baseline_gets_more(patch: Patch) -> None:
    patch.setattr(plan, "baseline_weight", lambda candidate: 100 - candidate)


def the_baseline_comes_last(patch: Patch) -> None:
    """Visitors of the baseline's buckets would go back and forth when the weight rises."""
    honest = plan.wanted

    def wanted(state: EnvironmentState, now: datetime) -> list[Revision]:
        found = honest(state, now)
        return [found[0], found[2], found[1]] if len(found) == 3 else found

    patch.setattr(plan, "wanted", wanted)


def wait_for_no_baseline(patch: Patch) -> None:
    patch.setattr(progress, "_all_ready", lambda rollout, seen: progress.ready(rollout.revision, seen))


def blame_the_candidate(patch: Patch) -> None:
    """For a baseline that cannot serve."""

    def drop_failing_baseline(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
        return [e.RolloutAborted(one.rollout, rules.ENGINE, "baseline") for one in honest(state, seen, now)]  # type: ignore[attr-defined]

    honest = rules.drop_failing_baseline
    patch.setattr(rules, "RULES", tuple(drop_failing_baseline if rule is honest else rule for rule in rules.RULES))


def no_deadlines(patch: Patch) -> None:
    patch.setattr(rules, "RULES", tuple(rule for rule in rules.RULES if rule is not rules.abort_on_overdue_step))


def go_round_in_circles(patch: Patch) -> None:
    def note_new_verdict(state: EnvironmentState, seen: Seen, now: datetime) -> list[e.Event]:
        noted = rules.note_new_verdict(state, seen, now)
        if state.rollout is None or not noted:
            return noted
        return [*[e.StepsSkipped(state.rollout.id, state.rollout.position, "x", "y")] * 61, *noted]

    patch.setattr(rules, "RULES", tuple(note_new_verdict if r is rules.note_new_verdict else r for r in rules.RULES))


class ActsFirst(PlainWheels):
    """Acts on what it decided, then records: a crash or a conflict in between loses the decision."""

    async def turn(self, environment: EnvironmentId) -> None:
        state = await self._remember(environment)
        seen = await self._look(state, measure=True)
        now = self.ports.clock.now()
        events = rules.decide(state, seen, now)
        for event in events:
            self.states[environment] = apply(event, self.state(environment), now)
        await self._act(environment, seen)
        self.states[environment] = state
        await self._record(environment, events)


MUTANTS: list[tuple[Callable[[Patch], None], set[str]]] = [
    (stop_before_shift, {"stop-order"}),
    (no_data_is_pass, {"data", "steps"}),
    (route_to_unready, {"ready"}),
    (forget_the_gate, {"gates", "sign-off", "asked", "parity"}),
    (let_the_author_approve, {"gates"}),
    (approvals_outlive_what_they_were_for, {"gates"}),
    (hold_absence_against_it, {"away"}),
    (forget_the_predecessor, {"predecessor"}),
    (go_first_unasked, {"way"}),
    (replace_a_hotfix, {"way"}),
    (a_hotfix_waits, {"way"}),
    (blame_who_gives_way, {"blame"}),
    (disturb_what_is_to_be_finished, {"finish"}),
    (overtake_a_hotfix, {"queue"}),
    (forget_the_pin, {"pin"}),
    (forget_the_sign_off, {"sign-off"}),
    (forget_the_rejection, {"sign-off"}),
    (forget_the_freeze, {"frozen"}),
    (forget_the_whole_line, {"frozen", "glass"}),
    (take_no_answer_for_a_yes, {"asked"}),
    (take_a_yes_to_another_start, {"asked"}),
    (take_anything_for_a_replica, {"parity"}),
    (let_anybody_break_glass, {"glass"}),
    (break_glass_for_everything, {"frozen", "gates", "sign-off", "asked", "parity"}),
    (break_glass_in_silence, {"glass"}),
    (promote_without_check, {"check"}),
    (repeat_checks_for_ever, {"attempts"}),
    (raise_without_verdict, {"steps"}),
    (weights_not_100, {"weights"}),
    (raise_the_weight_too_early, {"trust"}),
    (double_start, {"one-rollout"}),
    (abort_goes_nowhere, {"home"}),
    (abort_never_ends, {"settled"}),
    (ignore_quarantine, {"quarantine"}),
    (unknown_is_success, {"sight", "steps"}),
    (leave_strays, {"settled"}),
    (keep_everything, {"two-revisions"}),
    (the_baseline_gets_more, {"beside"}),
    (the_baseline_comes_last, {"beside"}),
    (wait_for_no_baseline, {"steps"}),
    (blame_the_candidate, {"sense"}),
    (no_deadlines, {"settled"}),
    (go_round_in_circles, {"bounded"}),
]


TELLING = {hold_absence_against_it: (213, 219, 322)}  # seeds that catch what few do


def caught(make_wheels: MakeWheels = PlainWheels, first: tuple[int, ...] = ()) -> Violation | None:
    """The first violation, looking at as many seeds as a mutant may survive; at some of them `first`."""
    for seed in dict.fromkeys((*first, *range(SEEDS))):
        try:
            simulate(seed, make_wheels)
        except Violation as violation:
            return violation
    return None


@pytest.mark.parametrize(("mutate", "invariants"), MUTANTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_mutant_is_caught(mutate: Callable[[Patch], None], invariants: set[str], monkeypatch: Patch) -> None:
    mutate(monkeypatch)
    violation = caught(first=TELLING.get(mutate, ()))
    assert violation is not None, f"no world of {SEEDS} noticed"
    assert violation.invariant in invariants, violation


def test_recording_after_acting_is_caught() -> None:
    violation = caught(ActsFirst)
    assert violation is not None
    assert violation.invariant in {"trust", "owed", "stop-order", "two-revisions", "check"}, violation
