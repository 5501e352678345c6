"""headgate apply: make a file's rules the ones that count."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headgate.cli.act import person
from headgate.cli.api import Api, path
from headgate.cli.failure import Failure
from headgate.cli.file import content_of, refused
from headgate.cli.output import print_json, say


def apply(
    file: str = "headgate.yaml",
    check: bool = False,
    data: str | None = None,
    by: str | None = None,
    as_json: bool = False,
) -> None:
    text = content_of(file)
    calendars = calendars_of(text, file)
    if check:
        application = _checked(text, file, calendars)
        print_json({"application": application, "ok": True}) if as_json else say(f"{file} is right ({application})")
        return
    answer = Api(data).post(path(), {**said_of(file, text), "by": by or person(), "calendars": calendars})
    print_json(answer) if as_json else _told(answer)


def _checked(text: str, file: str, calendars: dict[str, str]) -> str:
    """The application's name; raises with every problem."""
    from headgate import bootstrap
    from headgate.spec.calendars import filled
    from headgate.spec.compile import application
    from headgate.spec.missing import missing
    from headgate.spec.problems import SpecificationError
    from headgate.spec.read import read

    try:
        specification = read(text, file)
        if problems := missing(specification, bootstrap.present()):
            raise SpecificationError(problems)
        if calendars:
            filled(application(specification, "", file), specification, calendars, datetime.now(UTC))
    except SpecificationError as error:
        raise refused(error, file) from error
    return specification.application


def calendars_of(text: str, file: str) -> dict[str, str]:
    """Path below the repository -> text of each iCalendar file that is named. What is wrong with `text` others say."""
    if "calendar" not in text:  # to read a file takes longer than most commands do
        return {}
    from headgate.spec.calendars import named
    from headgate.spec.problems import SpecificationError
    from headgate.spec.read import read

    try:
        paths = {gate.calendar for _, gate in named(read(text, file))}
    except SpecificationError:
        return {}
    remedy = "A freeze of the file names this calendar, below the repository."
    return {path: content_of(os.path.join(source_of(file), path), remedy) for path in sorted(paths)}


def said_of(file: str, text: str) -> dict[str, str]:
    """What the server is told of a file: its text, and where it lies."""
    source = source_of(file)
    return {"text": text, "filename": Path(os.path.realpath(file)).relative_to(source).as_posix(), "source": source}


def source_of(file: str) -> str:
    """The git repository that the file lies in: releases are made from its commits."""
    folder = os.path.dirname(os.path.realpath(file))
    command = ["git", "-C", folder, "rev-parse", "--show-toplevel"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"git cannot be run: {error}", folder, "Install git; releases are made from commits.") from error
    if found.returncode != 0:
        remedy = "Releases are made from commits: `git init`, then commit the file."
        raise Failure("the file is in no git repository", folder, remedy)
    return os.path.realpath(found.stdout.rstrip("\n"))


def _told(answer: dict[str, Any]) -> None:
    say(f"{answer.get('application')}: {'applied' if answer.get('changed') else 'nothing has changed'}")
    if answer.get("follows"):
        say(f"  follows {answer['follows']}: what moves there becomes a release by itself")
    if answer.get("ci"):
        say("  pipeline.ci")
    for change in answer.get("ci", []):
        say(f"    {change}")
    if answer.get("notifications"):
        say("  notifications")
    for change in answer.get("notifications", []):
        say(f"    {change}")
    for environment in answer.get("environments", []):
        say(f"  {environment.get('environment')}")
        for change in environment.get("changes", []):
            say(f"    {change}")
        for service, address in environment.get("addresses", {}).items():
            say(f"    {service}: {address.get('public')} (preview {address.get('preview')})")
        if environment.get("problem"):
            say(f"    addresses are not known yet: {environment['problem']}")
