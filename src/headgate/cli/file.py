"""The file of an application: its text, and why it is refused."""

from typing import Any

from headgate.cli.failure import Failure

LARGEST = 512 << 10  # bytes
PROBLEM = ("file", "line", "column", "field", "found", "allowed", "remedy")


def content_of(file: str, remedy: str = "Name the file, or make one: `headgate init`.") -> str:
    try:
        with open(file, "rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise Failure(f"the file cannot be read: {error.strerror}", file, remedy) from error
    if len(content) > LARGEST:
        raise Failure(f"the file is larger than {LARGEST:,} bytes", file, "Check that this is the right file.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Failure(
            f"the file is not UTF-8: {error.reason} at byte {error.start}", file, "Save it as UTF-8."
        ) from error


def refused(error: Any, file: str) -> Failure:
    """With every problem. `error`: a SpecificationError, whose import costs more than most commands take."""
    found = [{name: getattr(one, name) for name in PROBLEM} for one in error.problems]
    what = f"the file has {len(found)} problem{'s' if len(found) > 1 else ''}"
    return Failure(what, file, "Mend the file where the problems say.", problems=found)
