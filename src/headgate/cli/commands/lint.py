"""headgate lint: nothing secret in the code, and nothing that holds for one environment only."""

import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from headgate.cli.failure import OK, REFUSED, USAGE, Failure
from headgate.cli.lint import baseline, hook, tree
from headgate.cli.lint.finding import RULES, Finding
from headgate.cli.lint.scan import Looked, look_through
from headgate.cli.output import print_json, say


def lint(  # noqa: PLR0913, PLR0917 - each is an option
    paths: list[str] | None = None,
    staged: bool = False,
    image: str | None = None,
    update_baseline: bool = False,
    why: str | None = None,
    install_hook: bool = False,
    sarif: str | None = None,
    rules: bool = False,
    as_json: bool = False,
) -> int:
    """Returns the exit code: 0 clean, 1 something was found."""
    if rules:
        return _rules(as_json)
    top = tree.top()
    if install_hook:
        return _installed(top)
    _only_one(bool(paths), staged, image is not None)
    root = top or Path(os.path.realpath("."))
    looked = _looked(paths or [], staged, image, root)
    known = baseline.read(_baseline_text(root, staged), f"{root}/{baseline.NAME}")
    if update_baseline:
        return _accepted(looked, known, root, why or "", whole=not (paths or staged or image))
    left, passed = known.left(looked.findings)
    if looked.allowed:
        passed["where they stand"] += looked.allowed
    if sarif:
        _write_sarif(sarif, left)
    _tell(left, passed, looked, as_json)
    return REFUSED if left else OK


def _only_one(paths: bool, staged: bool, image: bool) -> None:
    if paths + staged + image > 1:
        raise Failure("PATHS, --staged and --image are three things to look through", "", "Name one of them.", USAGE)


def _looked(paths: list[str], staged: bool, image: str | None, root: Path) -> Looked:
    with ExitStack() as stack:
        more: list[Finding] = []
        if image is not None:
            from headgate.cli.lint.image import sources_of

            sources, more = stack.enter_context(sources_of(image))
        else:
            sources = tree.staged(root) if staged else tree.of_the_tree(paths, root)
        own = [one for one in sources if one.path != baseline.NAME]
        return Looked(more).and_(look_through(own))


def _baseline_text(root: Path, staged: bool) -> str | None:
    if staged:
        return tree.staged_text(root, baseline.NAME)
    try:
        return (root / baseline.NAME).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"the baseline cannot be read: {error}", f"{root}/{baseline.NAME}", "Mend it.", USAGE) from error


def _accepted(looked: Looked, known: baseline.Baseline, root: Path, why: str, whole: bool) -> int:
    if not whole:
        raise Failure("a baseline is of the whole tree", "", "Leave PATHS, --staged and --image away.", USAGE)
    if not why.strip():
        raise Failure("a baseline says why it accepts what it accepts", "", "Add --why TEXT.", USAGE)
    fresh = known.accepting(looked.findings, why.strip())
    beside = root / f"{baseline.NAME}.new"
    try:
        beside.write_text(fresh.text(), encoding="utf-8")
        beside.replace(root / baseline.NAME)
    except OSError as error:
        raise Failure(f"the baseline cannot be written: {error.strerror}", str(beside), "Mend what it says.") from error
    gone = len(set(known.accepted) - set(fresh.accepted))
    say(f"{baseline.NAME} accepts {len(fresh.accepted)} findings; {gone} that it had are gone")
    left, _ = fresh.left(looked.findings)
    _tell(left, Counter(), looked, False)
    return REFUSED if left else OK


def _tell(left: list[Finding], passed: Counter[str], looked: Looked, as_json: bool) -> None:
    if as_json:
        told = {"findings": [one.view() for one in left], "allowed": dict(passed)}
        print_json({**told, "files": looked.read, "long_lines": looked.long})
        return
    for one in left:
        say(f"{one.path}:{one.line}:{one.column}: {one.rule}: {one.what}")
    for rule in dict.fromkeys(one.rule for one in left):
        say(f"  {rule}: {RULES[rule]}")
    if left:
        say("  where it is right: `headgate: allow RULE: why` in a comment on the line, or above it")
    more = "".join(f"; {count} allowed {how}" for how, count in passed.items())
    more += f"; {looked.long} lines too long to be looked at" if looked.long else ""
    findings, files = ("" if count == 1 else "s" for count in (len(left), looked.read))
    say(f"{len(left) or 'no'} finding{findings} in {looked.read} file{files}{more}")


def _write_sarif(name: str, left: list[Finding]) -> None:
    import json

    from headgate import __version__
    from headgate.cli.lint.sarif import sarif

    try:
        Path(name).write_text(json.dumps(sarif(left, __version__), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Failure(f"the SARIF file cannot be written: {error.strerror}", name, "Name another FILE.") from error


def _installed(top: Path | None) -> int:
    if top is None:
        raise Failure("this is no git repository", os.getcwd(), "Run it in one.", USAGE)
    say(f"{hook.install(top)} asks `headgate lint --staged` before each commit")
    print(hook.SNIPPET, end="")
    return OK


def _rules(as_json: bool) -> int:
    if as_json:
        print_json({"rules": RULES})
        return OK
    for rule, remedy in RULES.items():
        say(f"{rule}: {remedy}")
    return OK
