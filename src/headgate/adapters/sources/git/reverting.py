"""A commit that undoes others, made in the private repository and pushed: never by force, and no work tree moves.

The same head gives the same commit, so that a push that was broken off by a crash is only repeated.
"""

from pathlib import Path

from headgate.adapters.sources.git.address import address, reaching
from headgate.adapters.sources.git.command import Ask, GitRefused, git
from headgate.adapters.sources.git.integration import MINE, merge, newest_date, write
from headgate.model.reverts import Undoing, Undone
from headgate.model.sources import is_remote
from headgate.ports import AdapterError, Unusable

NAMED = 5  # files in conflict that are named


async def undo(private: Path, where: Path, repository: str, wanted: Undoing) -> Undone:
    """`where` is the folder itself, or the mirror of a remote."""
    await _check_name(private, wanted.onto)
    if not await _holds(private, wanted.head, wanted.bad):
        return Undone("nothing", f"{wanted.bad[:10]} is no longer in the history of its branch")
    date = await newest_date(private, [wanted.head])
    good_tree = await _tree(private, wanted.good)
    # Merged onto the head, its base is the bad commit: all that came between the two is taken back, and no more.
    back = await write(private, good_tree, [wanted.bad], "as before", date)
    tree, conflicts = await merge(private, wanted.head, back)
    if conflicts:
        more = f" and {len(conflicts) - NAMED} more" if len(conflicts) > NAMED else ""
        return Undone("conflict", f"what came later rests on it: {', '.join(conflicts[:NAMED])}{more}")
    if tree == await _tree(private, wanted.head):
        return Undone("nothing", "it is undone there already")
    commit = await write(private, tree, [wanted.head], wanted.message, date)
    await _push(private, where, repository, commit, wanted.onto)
    return Undone("pushed", f"{commit[:10]} was pushed to {wanted.onto}", commit)


async def _check_name(private: Path, branch: str) -> None:
    try:
        await git(private, "check-ref-format", "--branch", branch)
    except GitRefused as error:
        raise Unusable(f"{branch!r} is no name of a branch: correct `source.revert_to`") from error


async def _holds(private: Path, head: str, commit: str) -> bool:
    try:
        await git(private, "merge-base", "--is-ancestor", commit, head)
    except GitRefused:
        return False
    return True


async def _tree(private: Path, commit: str) -> str:
    return (await git(private, "rev-parse", "--verify", f"{commit}^{{tree}}")).decode().strip()


async def _push(private: Path, where: Path, repository: str, commit: str, onto: str) -> None:
    """Into a folder of this machine it is fetched, so that nothing that is configured there runs."""
    named = f"{commit}:refs/heads/{onto}"
    try:
        if is_remote(repository):
            place = address(repository)
            pushing = ("push", "--quiet", "--no-verify", "--no-recurse-submodules", "--", place.text, named)
            await git(private, *pushing, ask=Ask(also=reaching(place)))
        else:
            quietly = ("--quiet", "--no-tags", "--no-auto-gc", "--no-recurse-submodules", "--no-write-fetch-head")
            ask = Ask(also={**MINE, "GIT_ALLOW_PROTOCOL": "file"})
            await git(where, "fetch", *quietly, "--", str(private), named, ask=ask)
    except GitRefused as error:
        raise AdapterError(f"the revert {commit[:10]} cannot be pushed to {onto} of {repository}: {error}") from error
