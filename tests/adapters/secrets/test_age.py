"""The store `age`, and what commands do to its file: keys that stay outside, versions that stay inside."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyrage
import pytest

from headgate.adapters.secrets.age.file import KEPT, read
from headgate.adapters.secrets.age.keeping import Keeping
from headgate.adapters.secrets.age.store import AgeStore
from headgate.model.secrets import SecretRules
from headgate.ports import AdapterError, Unusable
from headgate.testing.contracts import secrets
from headgate.testing.contracts.secrets import CANARY, refusal

BOB = "bob@laptop"


class AgeStage:
    values = (f"{CANARY} with = \"quotes\" and ünïcode", f"{CANARY}\nline two\n", " ")

    def __init__(self, folder: Path) -> None:
        repository = folder / "repository"
        (repository / ".git").mkdir(parents=True)
        self.file, self.identity = repository / "production.secrets", folder / "keys" / "identity.age"
        self.keeping = Keeping(str(self.file), str(self.identity))
        self.keeping.init([])
        self.store = AgeStore()
        self.rules = SecretRules("age", {"file": str(self.file), "identity": str(self.identity)})

    def reference(self, name: str) -> str:
        return f"shop/{name}"

    async def write(self, name: str, value: str) -> str:
        self.keeping.set(self.reference(name), value, BOB)
        return self.reference(name)

    async def go_blind(self) -> None:
        self.file.unlink()


@pytest.fixture
def stage(tmp_path: Path) -> AgeStage:
    return AgeStage(tmp_path)


class TestAge(secrets.SecretStoreContract):
    @pytest.fixture
    def stage(self, stage: AgeStage) -> AgeStage:  # type: ignore[override]
        return stage


async def test_nothing_of_a_value_is_in_the_file(stage: AgeStage) -> None:
    await stage.write("db", CANARY)
    assert CANARY not in stage.file.read_text()
    assert "AGE-SECRET-KEY" not in stage.file.read_text()


async def test_a_version_is_told_without_the_key(stage: AgeStage) -> None:
    reference = await stage.write("db", CANARY)
    stage.identity.unlink()
    assert (await stage.store.version(reference, stage.rules)).startswith("1-")
    assert "identity.age cannot be read" in str(await refusal(stage.store.get(reference, stage.rules)))


async def test_the_last_versions_stay_and_older_ones_go(stage: AgeStage) -> None:
    reference = await stage.write("db", f"{CANARY}-0")
    first = await stage.store.version(reference, stage.rules)
    for number in range(1, KEPT):
        await stage.write("db", f"{CANARY}-{number}")
    assert (await stage.store.get(reference, stage.rules, first)).value == f"{CANARY}-0"
    await stage.write("db", f"{CANARY}-last")
    assert f"the last {KEPT}" in str(await refusal(stage.store.get(reference, stage.rules, first), Unusable))


async def test_others_open_what_is_for_them_and_nobody_else(stage: AgeStage, tmp_path: Path) -> None:
    reference = await stage.write("db", f"{CANARY}-1")
    version = await stage.store.version(reference, stage.rules)
    server = Keeping(str(stage.file), str(tmp_path / "server" / "identity.age"))
    own, made = server.init([])
    assert not made
    rules = SecretRules("age", {"file": str(stage.file), "identity": str(server.identity)})
    assert "is for other keys" in str(await refusal(stage.store.get(reference, rules)))
    stage.keeping.recipients([own], [])
    assert (await stage.store.get(reference, rules, version)).value == f"{CANARY}-1"  # which was not rotated by it
    assert await stage.store.version(reference, rules) == version
    stage.keeping.recipients([], [own])
    await stage.write("db", f"{CANARY}-2")
    assert "is for other keys" in str(await refusal(stage.store.get(reference, rules)))
    assert (await stage.store.get(reference, stage.rules)).value == f"{CANARY}-2"


def test_nobody_locks_themselves_out(stage: AgeStage) -> None:
    own = stage.keeping.list()[1][0]
    with pytest.raises(AdapterError, match="own key"):
        stage.keeping.recipients([], [own])


async def test_a_value_that_was_moved_to_another_name_or_version_does_not_open(stage: AgeStage) -> None:
    cheap, dear = await stage.write("cheap", f"{CANARY}-1"), await stage.write("dear", f"{CANARY}-2")
    told = json.loads(stage.file.read_text())
    told["secrets"][dear][0]["value"] = told["secrets"][cheap][0]["value"]
    stage.file.write_text(json.dumps(told))
    assert "sealed as shop/cheap" in str(await refusal(stage.store.get(dear, stage.rules)))


@pytest.mark.parametrize("damage", ["", "{}", "[]", "null", '{"format": "x"}', "<<<<<<< HEAD\n", "[" * 100_000, "\xff"])
async def test_a_file_that_is_none_is_named(stage: AgeStage, damage: str) -> None:
    await stage.write("db", CANARY)
    stage.file.write_text(damage)
    for asked in (stage.store.get("shop/db", stage.rules), stage.store.version("shop/db", stage.rules)):
        assert "is no file of `headgate secrets`" in str(await refusal(asked))


async def test_a_sealed_value_that_was_damaged_is_no_value(stage: AgeStage) -> None:
    reference = await stage.write("db", CANARY)
    told = json.loads(stage.file.read_text())
    for sealed in ("", "!", told["secrets"][reference][0]["value"][:-8] + "AAAAAAAA"):
        told["secrets"][reference][0]["value"] = sealed
        stage.file.write_text(json.dumps(told))
        assert "damaged" in str(await refusal(stage.store.get(reference, stage.rules)))


def test_a_key_is_made_for_its_owner_alone_and_not_again(stage: AgeStage) -> None:
    assert stage.identity.stat().st_mode & 0o777 == 0o600
    before = stage.identity.read_text()
    stage.keeping.init([])
    assert stage.identity.read_text() == before


def test_no_key_is_made_in_a_repository(stage: AgeStage) -> None:
    inside = stage.file.parent / "deploy" / "identity.age"
    with pytest.raises(AdapterError, match="git work tree"):
        Keeping(str(stage.file), str(inside)).init([])
    assert not inside.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604])
async def test_a_key_that_others_can_read_is_refused(stage: AgeStage, mode: int) -> None:
    reference = await stage.write("db", CANARY)
    stage.identity.chmod(mode)
    assert "chmod 600" in str(await refusal(stage.store.get(reference, stage.rules)))


async def test_a_key_in_a_repository_is_refused(stage: AgeStage) -> None:
    reference = await stage.write("db", CANARY)
    inside = stage.file.with_name("identity.age")
    stage.identity.rename(inside)
    rules = SecretRules("age", {"file": str(stage.file), "identity": str(inside)})
    assert "git work tree" in str(await refusal(stage.store.get(reference, rules)))


async def test_a_file_of_keys_without_one_shows_nothing_of_it(stage: AgeStage) -> None:
    reference = await stage.write("db", CANARY)
    stage.identity.write_text(f"AGE-SECRET-KEY-1{CANARY}\n")
    assert "holds no key of age" in str(await refusal(stage.store.get(reference, stage.rules)))


def test_a_secret_key_is_no_recipient_and_is_not_repeated(stage: AgeStage) -> None:
    key = str(pyrage.x25519.Identity.generate())
    for wrong in (key, "age1nonsense", "", "ssh-ed25519 AAAA"):
        with pytest.raises(Unusable) as caught:
            stage.keeping.recipients([wrong], [])
        assert key not in str(caught.value)


def test_many_at_once_lose_nothing(stage: AgeStage) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: stage.keeping.set(f"name{number % 4}", str(number), BOB), range(16)))
    file = read(stage.file)
    assert sum(len(versions) for versions in file.secrets.values()) == 16
    assert [one.name for one in stage.file.parent.iterdir() if one.name != ".git"] == [stage.file.name]


@pytest.mark.parametrize("name", ["", "../x", "a b", "a\nb", "x" * 600, "a#b"])
def test_what_is_no_name_is_not_written(stage: AgeStage, name: str) -> None:
    before = stage.file.read_text()
    with pytest.raises(Unusable):
        stage.keeping.set(name, CANARY, BOB)
    assert stage.file.read_text() == before
