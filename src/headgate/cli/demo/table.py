"""The end of the demo on paper: a table, the figures, and what held."""

from collections.abc import Iterator

from headgate.cli.demo.example import VERSIONS
from headgate.cli.demo.rollouts import stages
from headgate.cli.demo.summary import FAILS, GOOD, SLOW, Harm, Journey, Summary
from headgate.cli.output import say, table

STAGES = ("ready", "10 %", "25 %", "50 %", "100 %")
NATURES = {version.label: version.subject for version in VERSIONS}


def shown(summary: Summary) -> None:
    headers = ("version", "release", "staging", *STAGES, "in all", "end")
    print()
    table(headers, [row(journey) for journey in summary.journeys])
    say("seconds; ready: until its first share of the traffic; 100 %: with the bake, until it was promoted")
    print()
    for label, value in facts(summary):
        say(f"{label:<54} {value}")
    print()
    for claim in summary.claims:
        say(f"{'yes' if claim.held else 'NO '}  {claim.text}: {claim.found}")
        if not claim.held and claim.look:
            say(f"       look: {claim.look}")
    print()
    end = "All of it held." if summary.ok else "NOT all of it held: see the lines that begin with NO."
    say(f"{end} {summary.seconds:.0f} s in all.")


def row(journey: Journey) -> list[str]:
    staging, production = journey.staging, journey.production
    took = stages(production) if production else {}
    end = (production.finish if production else None) or (staging.finish if staging else None)
    return [
        f"{journey.label}  {NATURES.get(journey.label, '')}",
        f"{journey.made:.1f}",
        _seconds(staging.finish - staging.started if staging and staging.finish else None),
        *(_seconds(took.get(stage)) for stage in STAGES),
        _seconds(end - journey.asked if end else None),
        (production.outcome if production else staging.outcome if staging else "") or "unfinished",
    ]


def facts(summary: Summary) -> Iterator[tuple[str, str]]:
    yield "requests a second", f"{summary.rate} ({summary.why_rate})"
    yield "requests answered", f"{summary.served:,}"
    bad = summary.bad_in_good
    yield f"failed while {GOOD} went out", "-" if bad is None else f"{bad} of {len(summary.during_good):,}"
    for label, word in ((FAILS, "bad"), (SLOW, "slow")):
        if label in summary.harm:
            yield from _harm(label, word, summary.harm[label])


def _harm(label: str, word: str, harm: Harm) -> Iterator[tuple[str, str]]:
    yield f"{label}: first {word} answer to verdict", _took(harm.first_to_verdict)
    yield f"{label}: verdict to last {word} answer", _took(harm.verdict_to_last)
    people = f", by {harm.visitors} visitors" if harm.visitors is not None else ""
    note = f" ({harm.note})" if harm.note else ""
    yield f"{label}: {word} answers that users saw", f"{harm.bad} of {harm.answers:,}{people}{note}"


def _took(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 0:
        return f"none came after it (the last {-seconds * 1000:.0f} ms before)"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
