"""The tree of one commit: what git lists of it, and which of that may be laid out."""

from dataclasses import dataclass
from pathlib import Path

from headgate.adapters.sources.git.command import run
from headgate.ports import AdapterError

FILE, PROGRAM, LINK, FOLDER, SUBMODULE = "100644", "100755", "120000", "040000", "160000"
OLD_FILE = "100664"  # written by early versions of git, still valid


@dataclass(frozen=True, slots=True)
class Entry:
    mode: str
    digest: str
    path: str


def list_tree(repository: Path, commit: str) -> list[Entry]:
    """Everything, the root as `.` first, folders before what they hold."""
    root = run(repository, ("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}")).decode().strip()
    listing = run(repository, ("ls-tree", "-r", "-t", "-z", "--full-tree", commit))
    return [Entry(FOLDER, root, "."), *(parse(line, commit) for line in listing.split(b"\0") if line)]


def parse(line: bytes, commit: str) -> Entry:
    """`MODE TYPE DIGEST<tab>PATH`. Git refuses to make paths that lead out; a forged object may hold some."""
    head, _, name = line.partition(b"\t")
    mode, _, digest = head.decode().split(" ")
    try:
        path = name.decode()
    except UnicodeDecodeError as error:
        raise AdapterError(f"Commit {commit[:12]} holds a file whose name is not UTF-8: {name!r}") from error
    parts = path.split("/")
    if any(part in {"", ".", ".."} or part.casefold() == ".git" for part in parts):
        raise AdapterError(f"Commit {commit[:12]} holds the path {path!r}, which is refused")
    if mode not in {FILE, PROGRAM, LINK, FOLDER, SUBMODULE, OLD_FILE}:
        raise AdapterError(f"Commit {commit[:12]}: {path} has the unknown mode {mode}")
    return Entry(mode, digest, path)
