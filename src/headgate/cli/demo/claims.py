"""What the demo claims, each with what was seen: all must hold, or it ends with exit code 1."""

from collections.abc import Sequence
from subprocess import CompletedProcess
from typing import Any

from headgate.cli.demo.answers import met
from headgate.cli.demo.summary import FAILS, GOOD, SLOW, Claim, Journey, Summary

# What a reason must be about, in the judge's words.
ABOUT = {FAILS: ("errors",), SLOW: ("latency", "slower")}
AFTERWARDS = "demo/events.json in the kept folder: every decision with its reason"

Refusal = tuple[str, str, "CompletedProcess[str]"]  # version, environment, and what `headgate deploy` said


def made(
    found: Summary, production: dict[str, Any], refusals: Sequence[Refusal], audit: "CompletedProcess[str]"
) -> list[Claim]:
    by_label = {journey.label: journey for journey in found.journeys}
    return [
        _promoted(by_label.get(GOOD)),
        _nobody_failed(found),
        _put_back(FAILS, by_label.get(FAILS)),
        _put_back(SLOW, by_label.get(SLOW)),
        _serves_again(production),
        _refused(refusals),
        _no_other_failure(found),
        _audited(audit),
    ]


def ending(journey: Journey) -> str:
    """What became of a version, in words."""
    for environment, rollout in (("production", journey.production), ("staging", journey.staging)):
        if rollout is None:
            continue
        if rollout.aborted is not None:
            return f"put back in {environment}: {rollout.why}"
        if rollout.promoted is None:
            return f"still under way in {environment}"
        return f"promoted in {environment}"
    return "never started"


def as_it_should(journey: Journey) -> bool:
    if journey.label in ABOUT:
        return _put_back(journey.label, journey).held
    return journey.production is not None and journey.production.outcome == "promoted"


def _promoted(good: Journey | None) -> Claim:
    text = f"{GOOD} passed staging and the canary, and was promoted"
    if good is None:
        return Claim(text, False, "it was never released", AFTERWARDS)
    return Claim(text, as_it_should(good), ending(good), AFTERWARDS)


def _nobody_failed(found: Summary) -> Claim:
    text, bad = f"no request failed while {GOOD} went out", found.bad_in_good
    if bad is None:
        return Claim(text, False, "its rollout did not end, or there was no traffic", AFTERWARDS)
    what = met(found.during_good)
    return Claim(
        text,
        bad == 0,
        f"{bad} of {len(found.during_good):,}{f' ({what})' if what else ''}",
        "demo/answers.csv in the kept folder: lines with status 0 or 5xx",
    )


def _put_back(label: str, journey: Journey | None) -> Claim:
    text = f"{label} was put back by its verdict on {ABOUT[label][0]}"
    rollout = journey.production if journey else None
    if journey is None or rollout is None:
        return Claim(text, False, ending(journey) if journey else "it was never released", AFTERWARDS)
    held = rollout.by_analysis and rollout.outcome == "aborted" and any(word in rollout.why for word in ABOUT[label])
    return Claim(text, held, ending(journey), AFTERWARDS)


def _serves_again(production: dict[str, Any]) -> Claim:
    stable = production.get("stable") or {}
    weight = production.get("weights", {}).get(stable.get("revision"))
    found = f"{stable.get('label', 'nothing')} is stable with {weight if weight is not None else 'no'} % of the traffic"
    held = stable.get("label") == GOOD and weight == 100 and not production.get("rollout")
    return Claim(f"{GOOD} has all the traffic again", held, found, AFTERWARDS)


def _refused(refusals: Sequence[Refusal]) -> Claim:
    text = f"{FAILS} and {SLOW} are quarantined: refused everywhere"
    wanted = {(label, environment) for label in (FAILS, SLOW) for environment in ("staging", "production")}
    refused = {(label, where) for label, where, done in refusals if done.returncode and "quarantined" in done.stderr}
    missing = ", ".join(f"{label} in {where}" for label, where in sorted(wanted - refused))
    found = f"not refused: {missing}" if missing else f"{len(refused)} of {len(wanted)} deployments refused"
    return Claim(text, not missing, found, AFTERWARDS)


def _no_other_failure(found: Summary) -> Claim:
    harm = found.harm.get(FAILS)
    other = found.bad - (harm.bad if harm else 0)
    return Claim(
        f"no request failed but through {FAILS}",
        found.served > 0 and other == 0,
        f"{other} of {found.served:,}",
        "demo/answers.csv in the kept folder: lines with status 0 or 5xx",
    )


def _audited(audit: "CompletedProcess[str]") -> Claim:
    said = (audit.stdout or audit.stderr).strip().partition(";")[0]  # less the hash
    return Claim("the event log verifies", audit.returncode == 0, said, "`headgate audit verify --data FOLDER`")
