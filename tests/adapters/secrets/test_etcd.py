"""etcd's adapter against a real etcd."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import require

from headgate.adapters.secrets.etcd.store import EtcdStore
from headgate.model.secrets import SecretRules
from headgate.ports import Unusable
from headgate.testing.contracts import secrets
from headgate.testing.contracts.secrets import CANARY, refusal

pytestmark = pytest.mark.real("etcd")
LOGIN = "shop:password-of-shop"


class Etcd:
    """One member that keeps its data in a folder and is gone with it."""

    def __init__(self, folder: Path) -> None:
        self.client, peer = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.client}"
        here = f"http://127.0.0.1:{peer}"
        arguments = ["--data-dir", str(folder), "--listen-client-urls", self.url, "--advertise-client-urls", self.url]
        arguments += ["--listen-peer-urls", here, "--initial-advertise-peer-urls", here]
        arguments += ["--initial-cluster", f"default={here}", "--unsafe-no-fsync"]
        self.log = (folder.parent / "log").open("wb")
        program = [str(require("etcd")), *arguments]
        self.process = subprocess.Popen(program, stdout=self.log, stderr=self.log, env={"PATH": os.environ["PATH"]})
        self.token = ""

    def ask(self, path: str, **asked: Any) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", **({"Authorization": self.token} if self.token else {})}
        request = urllib.request.Request(f"{self.url}{path}", json.dumps(asked).encode(), headers)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return dict(json.load(answer))

    def await_ready(self) -> None:
        until = time.monotonic() + 20
        while True:
            try:
                self.ask("/v3/maintenance/status")
                return
            except OSError:
                assert self.process.poll() is None, "etcd ended"
                assert time.monotonic() < until, "etcd does not answer"
                time.sleep(0.05)

    def write(self, key: str, value: bytes) -> int:
        answer = self.ask("/v3/kv/put", key=b64encode(key.encode()).decode(), value=b64encode(value).decode())
        return int(answer["header"]["revision"])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    folder = tmp_path_factory.mktemp("etcd")
    etcd = Etcd(folder / "data")
    try:
        etcd.await_ready()
        yield etcd
    finally:
        etcd.stop()
        shutil.rmtree(folder)


class EtcdStage:
    values = (f"{CANARY} with = \"quotes\" and ünïcode", f"{CANARY}\nline two\n", "")

    def __init__(self, etcd: Etcd, prefix: str) -> None:
        self.etcd, self.prefix = etcd, prefix
        self.store = EtcdStore()
        self.rules = SecretRules("etcd", {"url": etcd.url, "prefix": prefix})

    def reference(self, name: str) -> str:
        return f"shop/{name}"

    async def write(self, name: str, value: str) -> str:
        self.etcd.write(f"{self.prefix}shop/{name}", value.encode())
        return self.reference(name)

    async def go_blind(self) -> None:
        self.rules = SecretRules("etcd", {**self.rules.settings, "url": f"http://127.0.0.1:{free_port()}"})


@pytest.fixture
def stage(etcd: Etcd, request: pytest.FixtureRequest) -> EtcdStage:
    return EtcdStage(etcd, f"/{abs(hash(request.node.nodeid))}/")


class TestEtcd(secrets.SecretStoreContract):
    @pytest.fixture
    def stage(self, stage: EtcdStage) -> EtcdStage:  # type: ignore[override]
        return stage


async def test_a_version_that_was_compacted_is_gone(stage: EtcdStage) -> None:
    reference = await stage.write("level", "one")
    first = await stage.store.version(reference, stage.rules)
    later = stage.etcd.write(f"{stage.prefix}shop/level", b"two")
    stage.etcd.ask("/v3/kv/compaction", revision=str(later), physical=True)
    assert "compacted" in str(await refusal(stage.store.get(reference, stage.rules, first), Unusable))
    assert (await stage.store.get(reference, stage.rules)).value == "two"


async def test_near_keys_are_shown(stage: EtcdStage) -> None:
    await stage.write("log-level", "debug")
    error = str(await refusal(stage.store.get("shop/log-leval", stage.rules), Unusable))
    assert f"; there is {stage.prefix}shop/log-level" in error


async def test_a_login_reads_what_its_role_may(stage: EtcdStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last test of the file: from here on the member asks everyone who they are."""
    reference = await stage.write("level", CANARY)
    monkeypatch.setenv("ETCD_TEST_LOGIN", LOGIN)
    user, password = LOGIN.split(":")
    end = b64encode(f"{stage.prefix[:-1]}0".encode()).decode()
    allowed = {"permType": "READ", "key": b64encode(stage.prefix.encode()).decode(), "range_end": end}
    stage.etcd.ask("/v3/auth/role/add", name="reader")
    stage.etcd.ask("/v3/auth/role/grant", name="reader", perm=allowed)
    for name, word, role in ((user, password, "reader"), ("root", "root-password", "root")):
        stage.etcd.ask("/v3/auth/user/add", name=name, password=word)
        stage.etcd.ask("/v3/auth/user/grant", user=name, role=role)
    stage.etcd.ask("/v3/auth/enable")
    try:
        rules = SecretRules("etcd", {**stage.rules.settings, "login_from": "ETCD_TEST_LOGIN"})
        assert (await stage.store.get(reference, rules)).value == CANARY
        other = SecretRules("etcd", {**rules.settings, "prefix": "/other/"})
        assert "grant-permission" in str(await refusal(stage.store.get(reference, other)))
        assert "login_from" in str(await refusal(stage.store.get(reference, stage.rules)))
        monkeypatch.setenv("ETCD_TEST_LOGIN", "shop:wrong-password")
        error = str(await refusal(stage.store.get(reference, rules)))
        assert "ETCD_TEST_LOGIN" in error
        assert "wrong-password" not in error
    finally:
        stage.etcd.token = stage.etcd.ask("/v3/auth/authenticate", name="root", password="root-password")["token"]
        stage.etcd.ask("/v3/auth/disable")
        stage.etcd.token = ""
