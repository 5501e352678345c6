"""The store `env-file`: who may read the file, where it may lie, and what a version gives away."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from headgate.adapters.secrets.env_file.store import EnvFileStore
from headgate.model.secrets import SecretRules
from headgate.ports import Unusable
from headgate.testing.contracts import secrets
from headgate.testing.contracts.secrets import CANARY, refusal


class EnvFileStage:
    values = (f"{CANARY} with = \"quotes\" and ünïcode", f"  {CANARY}  ", "")

    def __init__(self, folder: Path) -> None:
        self.file = folder / "production.env"
        self.key = folder / "adapter" / "key"
        self.store = EnvFileStore(self.key)
        self.rules = SecretRules("env-file", {"file": str(self.file)})
        self.lines: dict[str, str] = {}

    def reference(self, name: str) -> str:
        return name

    async def write(self, name: str, value: str) -> str:
        self.lines[name] = value
        text = "".join(f"{one}={held}\n" for one, held in self.lines.items())
        self.file.write_text(f"# of production\n\n{text}")
        self.file.chmod(0o600)
        return name

    async def go_blind(self) -> None:
        self.file.unlink()


@pytest.fixture
def stage(tmp_path: Path) -> EnvFileStage:
    return EnvFileStage(tmp_path)


class TestEnvFile(secrets.SecretStoreContract):
    @pytest.fixture
    def stage(self, stage: EnvFileStage) -> EnvFileStage:  # type: ignore[override]
        return stage


async def test_a_version_cannot_be_guessed_from_a_short_value(stage: EnvFileStage, tmp_path: Path) -> None:
    reference = await stage.write("PIN", "1234")
    version = await stage.store.version(reference, stage.rules)
    assert version not in hashlib.sha256(b"1234").hexdigest() + hashlib.sha256(b"PIN\n1234").hexdigest()
    assert await EnvFileStore(stage.key).version(reference, stage.rules) == version  # after a restart too
    assert await EnvFileStore(tmp_path / "another").version(reference, stage.rules) != version
    assert stage.key.stat().st_mode & 0o777 == 0o600


async def test_two_secrets_of_one_value_do_not_look_alike(stage: EnvFileStage) -> None:
    for name in ("ONE", "TWO"):
        await stage.write(name, CANARY)
    assert await stage.store.version("ONE", stage.rules) != await stage.store.version("TWO", stage.rules)


async def test_a_key_that_is_made_at_once_by_two_is_one(stage: EnvFileStage) -> None:
    reference = await stage.write("PIN", "1234")
    stores = [EnvFileStore(stage.key) for _ in range(8)]
    assert len(set(await asyncio.gather(*(one.version(reference, stage.rules) for one in stores)))) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o666, 0o620])
async def test_a_file_that_others_can_read_is_refused(stage: EnvFileStage, mode: int) -> None:
    reference = await stage.write("PIN", CANARY)
    stage.file.chmod(mode)
    assert f"chmod 600 {stage.file}" in str(await refusal(stage.store.get(reference, stage.rules)))


async def test_a_file_in_a_repository_is_refused_also_through_a_link(stage: EnvFileStage, tmp_path: Path) -> None:
    reference = await stage.write("PIN", CANARY)
    inside = tmp_path / "repository" / "deploy"
    (inside / ".." / ".git").resolve().mkdir(parents=True)
    inside.mkdir()
    stage.file.rename(inside / "production.env")
    stage.file.symlink_to(inside / "production.env")
    for file in (stage.file, inside / "production.env"):
        rules = SecretRules("env-file", {"file": str(file)})
        assert "git work tree" in str(await refusal(stage.store.get(reference, rules)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"PIN {CANARY}", ":1: this line is not NAME=VALUE"),
        (f"A=1\nexport PIN={CANARY}", ":2: this line is not NAME=VALUE"),
        (f"PIN=1\nPIN={CANARY}", ":2: PIN is there twice"),
    ],
)
async def test_a_line_that_is_none_is_named_and_not_shown(stage: EnvFileStage, content: str, said: str) -> None:
    await stage.write("PIN", CANARY)
    stage.file.write_text(content)
    assert said in str(await refusal(stage.store.get("PIN", stage.rules)))


async def test_a_relative_path_a_folder_and_a_huge_file_are_refused(stage: EnvFileStage, tmp_path: Path) -> None:
    for file in ("production.env", str(tmp_path), ""):
        await refusal(stage.store.get("PIN", SecretRules("env-file", {"file": file})))
    await stage.write("PIN", CANARY)
    stage.file.write_text(f"PIN={CANARY}" * 100_000)
    assert "larger than" in str(await refusal(stage.store.get("PIN", stage.rules)))


async def test_near_names_are_shown(stage: EnvFileStage) -> None:
    await stage.write("DATABASE_URL", CANARY)
    assert "; there is DATABASE_URL" in str(await refusal(stage.store.get("DATABSE_URL", stage.rules), Unusable))
