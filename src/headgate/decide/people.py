"""Who somebody is, by whatever account: who wrote a commit, who may break the glass."""

from collections.abc import Sequence

from headgate.model.people import Person, each, folded, known, who
from headgate.model.rules import Environment

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


def may_break_glass(account: str, rules: Environment | None) -> bool:
    """By the rules that count now; where they name nobody, nobody may."""
    return rules is not None and who(account, rules.people) in each(rules.break_glass, rules.people)


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
