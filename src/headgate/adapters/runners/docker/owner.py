"""Whose the files of a step are: the server's, unless the step says another user."""

import os
import re
from pathlib import Path

from headgate.ports import AdapterError

USER = re.compile(r"(\d{1,10})(?::(\d{1,10}))?")


def owner(user: str | None, step: str) -> tuple[int, int]:
    """User and group that its command line runs as. Files can be given to another user by root alone."""
    own = (os.geteuid(), os.getegid())
    if user is None:
        return own
    found = USER.fullmatch(user)
    if found is None:
        raise AdapterError(f"step {step}: user {user!r} is no number: write such as \"1000:1000\"")
    wanted = (int(found[1]), int(found[2] or found[1]))
    if own[0] != 0 and wanted[0] != own[0]:
        raise AdapterError(
            f"step {step} wants to run as user {wanted[0]}, and only a server that runs as root can give it files: "
            f"leave `user` out, and it runs as {own[0]}"
        )
    return wanted


def give(top: Path, to: tuple[int, int]) -> None:
    """All below, links themselves and never what they lead to. A cache may come from a step of another user."""
    if os.geteuid() != 0:
        return
    try:
        for folder, folders, files in os.walk(top):
            for name in ("", *folders, *files):
                os.chown(os.path.join(folder, name) if name else folder, *to, follow_symlinks=False)
    except OSError as error:
        raise AdapterError(f"Cannot give {error.filename} to user {to[0]}: {error.strerror}") from error
