"""A notice as text for people, in which nothing but our own link is more than text."""

import re

from headgate.model.notices import Notice

NOTHING = "\u200b"  # a space without width: what it parts no service takes for a mention, a link or a format
# Mentions (@everyone, <!channel>, <@U1>), formats (*bold*, _slanted_, ~struck~), links ([text](address), https://...).
SPECIAL = re.compile(r"@|<|\]\(|://|\*|(?<!\w)_|~|\|\|")
MARKS = {"info": "", "attention": "[to do] ", "trouble": "[!] "}


def title(notice: Notice) -> str:
    where = f"{notice.application}/{notice.environment}" if notice.environment else notice.application
    return harmless(f"{MARKS[notice.severity]}{where}: {notice.kind}")


def body(notice: Notice) -> str:
    """What happened, why, who must act and how, and where to look; one line each."""
    lines = [notice.what, notice.why]
    if notice.people:
        lines.append(f"Must act: {', '.join(notice.people)}")
    if notice.act:
        lines.append(f"To do: {notice.act}")
    if notice.left_out:
        lines.append(f"{notice.left_out} older notices were left out")
    told = [harmless(line) for line in lines if line]
    return "\n".join([*told, *([notice.link] if notice.link else [])])


def harmless(text: str) -> str:
    return SPECIAL.sub(lambda found: found[0][0] + NOTHING + found[0][1:], text.replace("`", "'"))
