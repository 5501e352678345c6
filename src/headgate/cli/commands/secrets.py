"""headgate secrets: the encrypted file of the store age, which needs no server; and whether all stores can be read."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import Any

from headgate.cli.act import person
from headgate.cli.commands.apply import source_of
from headgate.cli.commands.reaching import check
from headgate.cli.failure import USAGE, Failure
from headgate.cli.file import content_of, refused
from headgate.cli.output import age, print_json, say, table

LARGEST = 64 << 10  # characters of a value
KIND = "age"


def init(recipient: list[str] | None = None, environment: str | None = None, file: str = "", **told: Any) -> None:
    keeping = _keeping(file, environment)
    _folder(keeping.path.parent)
    own, made = _done(lambda: keeping.init(recipient or []))
    if told["as_json"]:
        print_json({"file": str(keeping.path), "identity": str(keeping.identity), "recipient": own, "made": made})
        return
    say(f"{keeping.path}: {'made' if made else 'is there already, and stays as it is'}")
    say(f"  this machine's key: {keeping.identity}; keep a copy of it elsewhere, and never in a repository")
    say(f"  its public key: {own}")


def set(name: str, environment: str | None = None, file: str = "", as_json: bool = False) -> None:
    keeping = _keeping(file, environment)
    value = _value(name)
    version = _done(lambda: keeping.set(name, value, person()))
    if as_json:
        print_json({"name": name, "version": version})
    else:
        say(f"{name}: version {version} in {keeping.path}; environments that use it are released anew")


def rotate(name: str, environment: str | None = None, file: str = "", as_json: bool = False) -> None:
    keeping = _keeping(file, environment)
    version = _done(lambda: keeping.rotate(name, person()))
    if as_json:
        print_json({"name": name, "version": version})
    else:
        say(f"{name}: version {version}, a new random value; environments that use it are released anew")


def listed(environment: str | None = None, file: str = "", as_json: bool = False) -> None:
    keeping = _keeping(file, environment)
    kept, recipients = _done(keeping.list)
    if as_json:
        names = [
            {"name": one.name, "version": one.version, "written_at": one.written_at, "by": one.by} for one in kept
        ]
        print_json({"file": str(keeping.path), "recipients": list(recipients), "secrets": names})
        return
    if kept:
        now = datetime.now(UTC).isoformat()
        rows = [[one.name, one.version, str(one.versions), f"{age(now, one.written_at)} ago", one.by] for one in kept]
        table(("secret", "version", "kept", "written", "by"), rows)
    else:
        say("there is no secret in it yet; `headgate secrets set NAME` writes one")
    for one in recipients:
        say(f"opens with the key of {one}")


def recipients(
    add: list[str] | None = None,
    remove: list[str] | None = None,
    environment: str | None = None,
    file: str = "",
    as_json: bool = False,
) -> None:
    if not add and not remove:
        raise Failure("nothing to change", "--add, --remove", "Name public keys: --add age1...", USAGE)
    keeping = _keeping(file, environment)
    left = _done(lambda: keeping.recipients(add or [], remove or []))
    if as_json:
        print_json({"recipients": list(left)})
        return
    for one in left:
        say(f"opens with the key of {one}")
    if remove:
        say("what they could open before they may still know: set those values anew")


def _keeping(file: str, environment: str | None) -> Any:
    """Of the one encrypted file that the specification names, or that the environment has."""
    from headgate.bootstrap import secret_file
    from headgate.spec.problems import SpecificationError
    from headgate.spec.read import read
    from headgate.spec.secret_rules import rooted, stores

    try:
        specification = read(content_of(file), file)
    except SpecificationError as error:
        raise refused(error, file) from error
    known = specification.environments
    if environment and environment not in known:
        raise Failure(f"there is no environment {environment}", file, f"Write one of: {', '.join(known)}.", USAGE)
    found = {}
    for name in [environment] if environment else known:
        if store := rooted(stores(specification, name), source_of(file)).get(KIND):
            found[tuple(sorted(store.settings.items()))] = (store.settings, name)
    if not found:
        where = environment or "any environment"
        raise Failure(f"no store age for {where}", file, "Write `secrets: {age: {file: PATH}}` in it.")
    if len(found) > 1:
        several = ", ".join(name for _, name in found.values())
        raise Failure("several environments have a file of their own", file, f"Add --env, one of: {several}.", USAGE)
    settings = next(iter(found.values()))[0]
    return secret_file(settings["file"], settings.get("identity"))


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"the folder cannot be made: {error.strerror}", str(path), "Name another in the file.") from error


def _value(name: str) -> str:
    """Without the line's end that an editor or echo puts there; typed twice where a person types."""
    if sys.stdin.isatty():
        value = getpass(f"value of {name}: ")
        if getpass("again: ") != value:
            raise Failure("the two are not the same", "", "Nothing was written; repeat the command.")
    else:
        value = _text(sys.stdin.buffer.read(4 * LARGEST + 1)).removesuffix("\n")
    if not value:
        raise Failure("the value is empty", "standard input", f"Write it there: headgate secrets set {name} < FILE")
    return value


def _text(content: bytes) -> str:
    if len(content) > 4 * LARGEST:
        raise Failure(f"the value is longer than {LARGEST >> 10} Ki characters", "standard input", "Check the file.")
    try:
        return content.decode()
    except UnicodeDecodeError:  # whose text shows what was read
        remedy = "Write it in base64, and let the program decode it."
        raise Failure("the value is no UTF-8 text", "standard input", remedy) from None


def _done(what: Any) -> Any:
    from headgate.ports import AdapterError

    try:
        return what()
    except AdapterError as error:
        raise Failure(str(error)) from error


VERBS: dict[str, Callable[..., int | None]] = {
    "init": init,
    "set": set,
    "rotate": rotate,
    "list": listed,
    "recipients": recipients,
    "check": check,
}
