"""A check as a command line: what it is asked, where it runs, what it is told, and what it leaves behind."""

import os
import shutil
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from headgate.adapters.machine import reports
from headgate.adapters.machine.artifacts import keep
from headgate.adapters.machine.checks.found import FOUND, JOB, Found
from headgate.adapters.machine.checks.given import variables
from headgate.adapters.machine.commands import CommandLine
from headgate.adapters.machine.folders import Folder, private, read, write_atomically
from headgate.adapters.machine.spawn import inherited
from headgate.model.checks import Job, JobSeen
from headgate.ports import AdapterError

MOST_FILES = 500  # artifacts of one attempt
MOST_BYTES = 200_000_000
# Programs of ours: what they ask is in a file, so that nothing that anyone typed is in a command line.
PROGRAM = 'exec "$HEADGATE_PYTHON" -P -m "$HEADGATE_CHECK" "$HEADGATE_JOB" "$HEADGATE_FOUND"'
OURS = {"http": "http", "load": "load", "browser": "browser"}  # kind -> program
OVERTIME = timedelta(seconds=20)  # for a program of ours that keeps the time itself: to clean up
# Of the server's own environment, for programs of ours: where Chromium and Docker are found.
PASSED_ON = ("HEADGATE_CHROMIUM", "PLAYWRIGHT_BROWSERS_PATH", "DOCKER_HOST")
MUTE = "its program ended without a word"  # a script may end it, with any exit code


@dataclass(frozen=True, slots=True)
class Errand:
    job: Job
    source: str
    work: str  # where it runs: the release itself, or a copy that it may write to

    @property
    def program(self) -> str | None:
        return "container" if self.job.check.image else OURS.get(self.job.check.kind)


def prepared(job: Job, source: Path, folder: Folder) -> Errand:
    """Safe to repeat: nothing has run yet."""
    check, work, kept = job.check, folder.job(job.id, "work"), folder.job(job.id, "kept")
    for one in (work, kept):
        shutil.rmtree(one, ignore_errors=True)
    folder.job(job.id, "found").unlink(missing_ok=True)
    private(kept)
    own = bool(check.junit or check.artifacts or check.image or check.kind == "browser")
    try:
        if own:  # what a check writes must be found again, and never in the release
            shutil.copytree(source, work, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv"))
    except (OSError, shutil.Error) as error:
        raise AdapterError(f"check {check.name}: the release cannot be copied to {work}: {error}") from error
    write_atomically(folder.job(job.id, "job"), JOB.dump_json(job).decode())
    return Errand(job, str(source), str(work if own else source))


def line(errand: Errand, release: str, folder: Folder) -> CommandLine:
    job = errand.job
    given = {**inherited(), **variables(job, release)}
    if errand.program is None:
        return CommandLine(job.id, job.check.run, Path(errand.work), given, job.check.timeout)
    given |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    given |= {
        "HEADGATE_PYTHON": sys.executable,
        "HEADGATE_CHECK": f"headgate.adapters.machine.checks.{errand.program}",
        "HEADGATE_JOB": str(folder.job(job.id, "job").resolve()),
        "HEADGATE_FOUND": str(folder.job(job.id, "found").resolve()),
        "HEADGATE_KEPT": str(folder.job(job.id, "kept").resolve()),
    }
    return CommandLine(job.id, PROGRAM, Path(errand.work), given, job.check.timeout + extra(errand))


def extra(errand: Errand) -> timedelta:
    return OVERTIME if errand.program == "container" else timedelta()


def concluded(errand: Errand, passed: bool, why: str, words: str, folder: Folder) -> JobSeen:
    """What its exit code, its program, its reports and its artifacts say together."""
    job, kept = errand.job, folder.job(errand.job.id, "kept")
    found = read(FOUND, folder.job(job.id, "found")) if errand.program else None
    if errand.program == "container":  # as if the command had run here
        passed, why, found = (found.passed, found.sentence, None) if found else (False, why, None)
    elif errand.program and found is None and passed:
        found = Found(False, MUTE)
    tests, numbers, bad = tallied(errand, passed)
    left_out = keep(job.check.artifacts, Path(errand.work), kept, MOST_FILES, MOST_BYTES) if job.check.artifacts else ""
    well = passed and not bad and (found is None or found.passed)
    told = found or Found(passed, "" if bad else why)
    if tests and well:
        told = replace(told, sentence=f"{tests}, {why}")
    after = words if not well and found is None and not bad else ""
    sentence = "; ".join(one for one in (told.sentence, *bad, left_out) if one) + after
    names = tuple(sorted(str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file()))
    return JobSeen(job.id, "passed" if well else "failed", sentence, {**told.numbers, **numbers}, names[:MOST_FILES])


def tallied(errand: Errand, passed: bool) -> tuple[str, dict[str, float], list[str]]:
    """In words, in numbers, and all that is wrong. A report that is owed and was not written is no success."""
    check = errand.job.check
    if not check.junit:
        return "", {}, []
    try:
        tests = reports.tally(Path(errand.work), check.junit)
    except reports.Unreadable as error:
        return "", {}, [str(error)]
    if tests is None:
        return "", {}, [f"its report {check.junit} was not written"] if passed else []
    numbers = {"tests": float(tests.total), "failed": float(tests.failed), "skipped": float(tests.skipped)}
    if tests.failed:
        return "", numbers, [f"{tests.failed} of {tests.total} tests failed: {', '.join(tests.names[:3])}"]
    if tests.total == tests.skipped:
        return "", numbers, ["not one test ran: nothing is no success"] if passed else []
    skipped = f", {tests.skipped} of them skipped" if tests.skipped else ""
    return f"{tests.total} tests{skipped}", numbers, []
