"""Secrets reach a process in a variable or a file, at each start anew, and never on its command line."""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.platforms.process.stage import ProcessStage, get, until
from tests.adapters.platforms.process.test_lifecycle import observed, ready

from headgate.adapters.machine.secret_files import SecretFiles
from headgate.adapters.platforms.process import ProcessPlatform
from headgate.model.releases import Revision
from headgate.model.services import Service, Value
from headgate.ports import AdapterError, Away, Unusable
from headgate.testing.contracts.platform import PRODUCTION

WORDS = "correct $HOME $$ horse"
ENV = {"PASSWORD": Value("secret", "shop/db"), "CERTIFICATE": Value("secret", "shop/tls", as_file=True)}


class Answers:
    """What the engine would hand over."""

    def __init__(self) -> None:
        self.values = {"PASSWORD": WORDS, "CERTIFICATE": "-----BEGIN\nPRIVATE\n"}
        self.broken: AdapterError | None = None

    async def __call__(self, revision: Revision, service: str) -> Mapping[str, str]:
        if self.broken:
            raise self.broken
        return self.values


def given(stage: ProcessStage, **changes: Any) -> tuple[Revision, Answers]:
    answers = Answers()
    stage.platform = ProcessPlatform(stage.settings, secrets=answers)
    env = {"BEHAVIOUR": Value("plain", "well"), **ENV}
    return stage.revision("one", env=env, **changes), answers


@pytest.mark.real
async def test_in_a_variable_and_in_a_file(stage: ProcessStage) -> None:
    revision, _ = given(stage)
    await stage.platform.run(revision)
    (one,) = await ready(stage, 1)
    found = json.loads(await get(one, "/environment"))
    path = Path(found["CERTIFICATE"])
    assert found["PASSWORD"] == WORDS
    assert path.read_text() == "-----BEGIN\nPRIVATE\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "correct" not in Path(f"/proc/{stage.process(one.id).pid}/cmdline").read_text()
    await stage.platform.stop(PRODUCTION, revision.id)
    await until(lambda: not path.exists())


@pytest.mark.real
async def test_a_store_that_is_down_ends_nothing_and_holds_up_starts(stage: ProcessStage) -> None:
    revision, answers = given(stage)
    await stage.platform.run(revision)
    (one,) = await ready(stage, 1)
    answers.broken = Away("secret shop/db cannot be read: connection refused")
    await stage.platform.run(revision)  # nothing is missing, so nobody is asked
    assert (await get(one, "/healthz")) == "ok"
    await stage.kill(one)
    await observed(stage, lambda seen: seen[0].state == "exited")
    await stage.wait(0.5)
    with pytest.raises(AdapterError, match="connection refused"):
        await stage.platform.run(revision)
    answers.broken = None
    await stage.platform.run(revision)
    await ready(stage, 1)


@pytest.mark.parametrize("error", [Unusable("version 1 of shop/db is gone"), Away("shop/db: no answer")])
async def test_whether_it_can_be_waited_for_is_not_lost(stage: ProcessStage, error: AdapterError) -> None:
    revision, answers = given(stage)
    answers.broken = error
    with pytest.raises(type(error), match="shop/db"):
        await stage.platform.run(revision)


async def test_on_a_command_line_it_is_refused(stage: ProcessStage) -> None:
    revision, _ = given(stage, command=("python", "service.py", "--password=$PASSWORD"))
    with pytest.raises(AdapterError, match=r"\$PASSWORD is a secret, and command lines are seen by everybody"):
        await stage.platform.run(revision)
    assert not await stage.platform.observe(PRODUCTION)


async def test_what_nobody_resolves_is_not_started_without_it(stage: ProcessStage) -> None:
    with pytest.raises(AdapterError, match="the secret 'shop/db' was not resolved"):
        await stage.platform.run(stage.revision("one", env=ENV))


def test_a_folder_that_another_made_is_not_used(tmp_path: Path) -> None:
    memory, home = tmp_path / "memory", tmp_path / "home"
    files, service = SecretFiles(home, memory), Service("web", (), 8000, env=ENV)
    memory.mkdir()
    (first,) = [files.handed("web.1", service, {"CERTIFICATE": "x"})["CERTIFICATE"]]
    assert Path(first).is_relative_to(memory)
    os.chmod(Path(first).parent.parent, 0o755)  # as if someone else could look into it
    assert Path(files.handed("web.1", service, {"CERTIFICATE": "x"})["CERTIFICATE"]).is_relative_to(home)
    files.keep([])
    assert list(home.iterdir()) == []
