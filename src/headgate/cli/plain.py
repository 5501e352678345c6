"""Text from elsewhere, made safe to print: commit subjects and log lines may try to command the terminal."""

import re

SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # OSC and other strings: titles, links, clipboard
    r"|\x1b[ -/]*[0-~]"  # two-character sequences
    r"|\x9b[0-?]*[ -/]*[@-~]",  # CSI in one byte
    re.DOTALL,
)


def minute(moment: str) -> str:
    """2026-11-24 08:00 UTC, of an ISO 8601 moment in UTC, as the server's are."""
    return f"{moment[:10]} {moment[11:16]} UTC"


def plain(text: object) -> str:
    """One line without control characters, or anything else that is not shown as what it is."""
    whole = str(text)
    if whole.isascii() and whole.isprintable():
        return whole
    bare = SEQUENCES.sub("", whole)
    return "".join(one if one.isprintable() else " " if one in "\t\r\n" else "\ufffd" for one in bare)
