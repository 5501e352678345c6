"""People of the file: who a name means, and contradictions among names."""

from collections.abc import Iterator

from headgate.model.people import Person, folded, who
from headgate.spec.problems import Path, Problem
from headgate.spec.specification import Specification


def persons(spec: Specification) -> tuple[Person, ...]:
    return tuple(Person(name, tuple(section.accounts)) for name, section in spec.content.people.items())


def people_of(spec: Specification, names: list[str]) -> tuple[str, ...]:
    """Groups become their people, each once, in the order of the file, called as `people` calls them."""
    known = persons(spec)
    called = {person.name for person in known}
    accounts = [account for name in names for account in spec.content.groups.get(name, [name])]
    people = [person if (person := who(account, known)) in called else account for account in accounts]
    return tuple(dict.fromkeys(people))


def accounts(spec: Specification) -> Iterator[Problem]:
    """An account is one person's, and a group is nobody's name: else it would depend on the order who is meant."""
    claimed: dict[str, str] = {}
    for name, section in spec.content.people.items():
        if name in spec.content.groups:
            yield spec.key_problem(("people", name), "a name that is no group", "Call one of the two otherwise.")
        places: list[tuple[Path, str]] = [(("people", name), name)]
        places += [(("people", name, "accounts", at), account) for at, account in enumerate(section.accounts)]
        for path, account in places:
            other = claimed.setdefault(folded(account), name)
            if other != name:
                remedy = f"{other} has it already: one of the two is not theirs, or they are one person."
                report = spec.problem if "accounts" in path else spec.key_problem
                yield report(path, "an account of one person", remedy)
