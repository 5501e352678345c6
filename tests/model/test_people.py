"""One person by any account: what counts as the same name, and who counts as a commit's author."""

import pytest

from headgate.decide.people import is_author
from headgate.model.people import Person, each, folded, who

ALICE = Person("alice", ("alice@example.org", "alice-gh", "Alice Example"))
ZOE = Person("zoë", ("zoe@example.org",))
PEOPLE = (ALICE, ZOE)


@pytest.mark.parametrize(
    "account",
    [
        *("alice", "Alice", "ALICE@EXAMPLE.ORG", "alice@example.org", "Alice-GH", " alice  example "),
        *("ａｌｉｃｅ", "alice\u200b", "al\u00adice", "ALICE EXAMPLE"),
    ],
)
def test_every_account_is_the_same_person(account: str) -> None:
    assert who(account, PEOPLE) == "alice"


@pytest.mark.parametrize("account", ["alice@example.com", "alice2", "аlice", "bob", ""])
def test_another_account_is_not(account: str) -> None:
    assert who(account, PEOPLE) == folded(account) != "alice"


def test_composed_and_decomposed_letters_are_one() -> None:
    assert who("zoe\u0308", PEOPLE) == who("ZOË", PEOPLE) == "zoë"


def test_a_person_named_twice_is_one() -> None:
    assert each(["alice", "Alice-gh", "alice@example.org"], PEOPLE) == {"alice"}


AUTHORS = {
    "by any account": ("alice-gh", "Someone <alice@example.org>", True),
    "by the name": ("alice", "Alice Example <other@example.com>", True),
    "case of the address": ("alice", "A <Alice@Example.ORG>", True),
    "an address of the forge": ("alice-gh", "A <12345+alice-gh@users.noreply.github.com>", True),
    "the same, in the file": ("alice", "A <12345+alice-gh@users.noreply.github.com>", True),
    "a label in the address": ("ann", "Ann <ann+work@example.org>", True),
    "a command line's user@host": ("ann@laptop", "Ann <ann@example.org>", True),
    "wide letters": ("ａｎｎ@example.org", "Ann <ann@example.org>", True),
    "decomposed": ("zoe\u0308", "Zoë <z@example.org>", True),
    "another person": ("alice", "Bob <bob@example.org>", False),
    "another, of the same first part, whom the file knows": ("alice", "Alicia <alicia@example.org>", False),
    "nobody": ("alice", "", False),
    "nobody is not nobody": ("", "", False),
    "the label is no name": ("work", "Ann <ann+work@example.org>", False),
}


@pytest.mark.parametrize(("account", "author", "same"), AUTHORS.values(), ids=AUTHORS.keys())
def test_the_author_by_a_second_name(account: str, author: str, same: bool) -> None:
    assert is_author(account, author, PEOPLE) is same
