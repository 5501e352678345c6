"""What every secret store must hold. Subclass, and give a fixture `stage`: a store that can be written to."""

import asyncio
from collections.abc import Awaitable
from typing import Protocol, TypeVar

import pytest

from headgate.model.secrets import Secret, SecretRules
from headgate.ports import AdapterError, SecretStore, Unusable

T = TypeVar("T")
CANARY = "canary-7f3a9c1e"  # begins every value that is written, and may be in no error
HOSTILE = {
    "empty": "",
    "up": "../../etc/passwd",
    "up below": "shop/../../sys/auth",
    "dots alone": "..",
    "query": "shop?list=true",
    "fragment twice": "shop#a#b",
    "quoted slash": "shop%2f..%2f..",
    "newline": "shop\nX-Vault-Token: x",
    "zero": "shop\x00",
    "absolute address": "http://127.0.0.1:1/",
    "long": "a" * 5000,
    "not ascii": "schlüssel/ä",
    "backslash": "..\\..\\x",
    "glob": "shop/*",
}
VERSIONS = {
    "empty": "",
    "up": "../1",
    "newline": "1\n2",
    "long": "1" * 5000,
    "words": "AWSCURRENT OR 1",
    "zero": "\x00",
}


class Stage(Protocol):
    store: SecretStore
    rules: SecretRules
    values: tuple[str, ...]  # what can be in a variable and is awkward, as far as this store can hold it

    async def write(self, name: str, value: str) -> str:
        """A secret is made, or gets another value; `name` is one word. Returns the reference."""
        ...

    def reference(self, name: str) -> str:
        """Of a secret that need not be there."""
        ...

    async def go_blind(self) -> None:
        """The store is not there any more, or does not answer."""
        ...


async def refusal(asked: Awaitable[object], kind: type[AdapterError] = AdapterError) -> AdapterError:
    """The error, which shows no value, not even to who looks where it came from."""
    with pytest.raises(kind) as caught:
        await asked
    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in f"{error}{error!r}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert "\n" not in str(caught.value)
    return caught.value


class SecretStoreContract:
    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError("give a fixture `stage`: a store that can be written to")

    async def test_a_value_comes_with_its_version(self, stage: Stage) -> None:
        reference = await stage.write("database", CANARY)
        found = await stage.store.get(reference, stage.rules)
        assert found.value == CANARY
        assert found.version == await stage.store.version(reference, stage.rules)
        assert CANARY not in repr(found)
        assert CANARY not in found.version

    async def test_a_value_is_as_it_was_written(self, stage: Stage) -> None:
        for number, value in enumerate(stage.values):
            reference = await stage.write(f"awkward{number}", value)
            assert (await stage.store.get(reference, stage.rules)).value == value

    async def test_asking_again_is_the_same_version(self, stage: Stage) -> None:
        reference = await stage.write("database", CANARY)
        asked = [stage.store.version(reference, stage.rules) for _ in range(3)]
        assert len(set(await asyncio.gather(*asked))) == 1

    async def test_a_rotation_is_another_version(self, stage: Stage) -> None:
        reference = await stage.write("database", f"{CANARY}-1")
        first = await stage.store.version(reference, stage.rules)
        await stage.write("database", f"{CANARY}-2")
        assert await stage.store.version(reference, stage.rules) != first
        assert (await stage.store.get(reference, stage.rules)).value == f"{CANARY}-2"

    async def test_an_earlier_version_is_there_still_or_refused(self, stage: Stage) -> None:
        reference = await stage.write("database", f"{CANARY}-1")
        first = await stage.store.version(reference, stage.rules)
        assert (await stage.store.get(reference, stage.rules, first)).value == f"{CANARY}-1"
        await stage.write("database", f"{CANARY}-2")
        earlier = stage.store.get(reference, stage.rules, first)
        if stage.store.keeps_versions:
            assert await earlier == Secret(f"{CANARY}-1", first)
        else:
            assert "current" in str(await refusal(earlier, Unusable))

    async def test_secrets_are_apart(self, stage: Stage) -> None:
        one, two = await stage.write("database", f"{CANARY}-1"), await stage.write("queue", f"{CANARY}-2")
        version = await stage.store.version(one, stage.rules)
        await stage.write("queue", f"{CANARY}-3")
        assert (await stage.store.get(one, stage.rules)).value == f"{CANARY}-1"
        assert (await stage.store.get(two, stage.rules)).value == f"{CANARY}-3"
        assert await stage.store.version(one, stage.rules) == version

    async def test_what_is_not_there_is_unusable_and_named(self, stage: Stage) -> None:
        await stage.write("database", CANARY)
        nothing = stage.reference("databse")
        for asked in (stage.store.get(nothing, stage.rules), stage.store.version(nothing, stage.rules)):
            assert "databse" in str(await refusal(asked, Unusable))

    @pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
    async def test_what_is_no_version_is_unusable(self, stage: Stage, version: str) -> None:
        reference = await stage.write("database", CANARY)
        error = await refusal(stage.store.get(reference, stage.rules, version), Unusable)
        assert len(str(error)) < 600

    @pytest.mark.parametrize("reference", HOSTILE.values(), ids=HOSTILE)
    async def test_what_is_no_reference_is_unusable(self, stage: Stage, reference: str) -> None:
        await stage.write("database", CANARY)
        for asked in (stage.store.get(reference, stage.rules), stage.store.version(reference, stage.rules)):
            assert len(str(await refusal(asked, Unusable))) < 600

    async def test_a_store_that_is_away_is_no_answer_and_says_nothing_of_values(self, stage: Stage) -> None:
        reference = await stage.write("database", CANARY)
        await stage.go_blind()
        for asked in (stage.store.get(reference, stage.rules), stage.store.version(reference, stage.rules)):
            error = await refusal(asked)
            assert not isinstance(error, Unusable)
            assert str(error)
