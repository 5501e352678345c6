"""The anchor: a small file beside the log that says how far it went. A chain cannot see that its own end was cut."""

import json
import os
from pathlib import Path

from headgate.ports import LogDamaged
from headgate.store.chain import Link


def anchor_path(log: Path) -> Path:
    return log.with_name(f"{log.name}.anchor")


def read_anchor(log: Path) -> Link | None:
    path = anchor_path(log)
    try:
        value = json.loads(path.read_text())
        return Link(int(value["position"]), str(value["hash"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise LogDamaged(
            f"The anchor {path} cannot be understood ({type(error).__name__}: {error}). Restore it and {log.name} "
            "together from the latest backup; or, where you know that the end of the log was not cut, delete it: "
            "it is written anew."
        ) from error


def write_anchor(log: Path, link: Link) -> None:
    """Atomic and durable. The log was synced before, so an honest anchor is never ahead of it."""
    path = anchor_path(log)
    fresh = path.with_name(f"{path.name}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(json.dumps({"position": link.position, "hash": link.hash}) + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def cut(end: Link, anchor: Link) -> str | None:
    """What is wrong where the log ends before its anchor."""
    if end.position >= anchor.position:
        return None
    return (
        f"the log ends at {end.position}, the anchor says {anchor.position}: "
        "its end was cut, or an older copy was put back without its anchor"
    )


def changed(found: str | None, anchor: Link) -> str | None:
    """What is wrong where the row under the anchor has another hash than the anchor says."""
    if anchor.position == 0 or found == anchor.hash:
        return None
    return (
        f"row {anchor.position} is not the one that the anchor names: the log was written anew, or is another server's"
    )
