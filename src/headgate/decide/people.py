"""Who wrote a commit, by whatever account: in doubt it is the same person."""

from collections.abc import Sequence

from headgate.model.people import Person, folded, known

# Their addresses are NUMBER+LOGIN@...: what is behind the plus is the name there. Elsewhere it is a label.
BEHIND_THE_PLUS = ("users.noreply.github.com", "users.noreply.gitlab.com")


def is_author(account: str, author: str, people: Sequence[Person] = ()) -> bool:
    """`author` is git's "Name <mail>". In doubt they are the same: who is not says so under `people`."""
    person = known(account, people)
    own = {folded(name) for name in (person.name, *person.accounts)} if person else {folded(account), _local(account)}
    written = _names(author)
    persons = [one for one in people if written & {folded(name) for name in (one.name, *one.accounts)}]
    written |= {folded(name) for one in persons for name in (one.name, *one.accounts)}
    return bool((own & written) - {""})


def _names(author: str) -> set[str]:
    """The name, the address, and what the address calls the person."""
    name, _, rest = author.partition("<")
    address = rest.strip().removesuffix(">")
    local = address.rpartition("@")[0]
    return {folded(name), folded(address), folded(local), _local(address)} - {""}


def _local(address: str) -> str:
    """ann of Ann+label@example.org, and of 123+ann@users.noreply.github.com; empty for what is no address."""
    local, _, host = folded(address).rpartition("@")
    before, _, behind = local.partition("+")
    return behind or before if host in BEHIND_THE_PLUS else before
