"""One commit of several branches, made in a private repository that only borrows the objects of the real one.

Nobody's branches, index or work tree are touched, and the same heads give the same commit: names, dates and the
order of merges follow from them alone, and no settings of a user are read.
"""

from collections.abc import Sequence
from pathlib import Path

from headgate.adapters.sources.git.command import Ask, GitRefused, git
from headgate.model.sources import Integration
from headgate.ports import AdapterError, Unusable

MOST_BRANCHES = 200
MOST_FILES = 50  # in conflict, of one branch, that are named
LONGEST_MESSAGE = 4000  # characters
MINE = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Headgate",
    "GIT_AUTHOR_EMAIL": "headgate@localhost",
    "GIT_COMMITTER_NAME": "Headgate",
    "GIT_COMMITTER_EMAIL": "headgate@localhost",
}
UNRELATED = "shares no history with those before it"


async def borrowing(where: Path, private: Path) -> Path:
    """The private repository, made at first asking."""
    if (private / "objects/info/alternates").exists():
        return private
    objects = Path((await git(where, "rev-parse", "--git-path", "objects")).decode().rstrip("\n"))
    objects = (where / objects).resolve()
    if "\n" in str(objects):
        raise AdapterError(f"{where}: a line end in the path of a repository cannot be borrowed from")
    form = (await git(where, "rev-parse", "--show-object-format")).decode().strip()
    private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    await git(private.parent, "init", "--quiet", "--bare", f"--object-format={form}", "--", str(private))
    (private / "objects/info").mkdir(exist_ok=True)
    (private / "objects/info/alternates").write_text(f"{objects}\n")
    return private


async def integrate(private: Path, heads: Sequence[tuple[str, str]], name: str) -> Integration:
    if not heads:
        raise Unusable(f"{name}: no branch matches; there is nothing to integrate")
    if len(heads) > MOST_BRANCHES:
        raise Unusable(f"{name}: {len(heads)} branches match, at most {MOST_BRANCHES} are integrated; name fewer")
    date = await newest_date(private, [commit for _, commit in heads])
    (first, tip), *others = heads
    included, left_out = [first], {}
    tree = (await git(private, "rev-parse", "--verify", f"{tip}^{{tree}}")).decode().strip()
    for branch, commit in others:
        merged, conflicts = await merge(private, tip, commit)
        if conflicts:
            left_out[branch] = conflicts
            continue
        tip = await write(private, merged, [tip, commit], f"Merge {branch}", date)
        tree, included = merged, [*included, branch]
    parents = list(dict.fromkeys(commit for branch, commit in heads if branch in included))
    message = f"Integrate {', '.join(included)} as {name}"
    return Integration(await write(private, tree, parents, message, date), tuple(included), left_out)


async def newest_date(private: Path, commits: Sequence[str]) -> int:
    """Seconds since 1970 of the latest of them: the integration is as old as what is in it."""
    ask = Ask(given="".join(f"{commit}\n" for commit in commits).encode(), also=MINE)
    shown = await git(private, "log", "--no-walk", "--no-show-signature", "--format=%ct", "--stdin", ask=ask)
    return max(max(0, int(line)) for line in shown.split())


async def merge(private: Path, ours: str, theirs: str) -> tuple[str, tuple[str, ...]]:
    """The merged tree, and the files in conflict: none where it merged cleanly."""
    asked = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs)
    try:
        shown = await git(private, *asked, ask=Ask(fine=(0, 1), also=MINE))
    except GitRefused as error:
        if "unrelated histories" in str(error):
            return "", (UNRELATED,)
        raise Unusable(f"{theirs[:12]} cannot be merged ({error}); git 2.38 or newer is needed") from error
    tree, *files = [part.decode(errors="replace") for part in shown.split(b"\0") if part]
    return tree, tuple(dict.fromkeys(files))[:MOST_FILES]


async def write(private: Path, tree: str, parents: Sequence[str], message: str, date: int) -> str:
    dates = {"GIT_AUTHOR_DATE": f"@{date} +0000", "GIT_COMMITTER_DATE": f"@{date} +0000"}
    ask = Ask(given=f"{message[:LONGEST_MESSAGE]}\n".encode(), also={**MINE, **dates})
    named = [part for parent in parents for part in ("-p", parent)]
    return (await git(private, "commit-tree", tree, *named, ask=ask)).decode().strip()
