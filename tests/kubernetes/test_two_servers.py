"""Two Headgates on one lease of a real API server, as processes of their own: one acts, the other waits for it."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import HEADGATE
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.control_plane import free_port

pytestmark = [pytest.mark.real("kubernetes"), pytest.mark.timeout(120)]


class Server:
    def __init__(self, cluster: Cluster, lease: str, data: Path) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        command = [*HEADGATE, "serve", "--data", str(data), "--port", str(port), "--lease", lease]
        self.log = (data.parent / f"{data.name}.log").open("wb")
        environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment)

    def ask(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"{self.address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def await_ready(self, says: str = "leads\n", seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while says not in (answer := self.ask("/readyz"))[1]:
            assert self.process.poll() is None, Path(self.log.name).read_text()
            assert time.monotonic() < until, (answer, Path(self.log.name).read_text())
            time.sleep(0.1)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self.log.close()


Start = Callable[[str], Server]


@pytest.fixture
def start(real_cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Start]:
    """Each has a folder of its own: what keeps the second from acting is the lease alone."""
    started: list[Server] = []

    def one(name: str) -> Server:
        started.append(Server(real_cluster, f"{namespace}/headgate", tmp_path / name))
        return started[-1]

    yield one
    for server in started:
        server.kill()


def test_one_leads_and_the_other_waits_until_it_ends(start: Start) -> None:
    first = start("one")
    first.await_ready()
    second = start("two")
    second.await_ready("leads; its lease was renewed within the last")
    assert second.ask("/readyz")[0] == 503
    assert second.ask("/healthz") == (200, "ok\n")
    status, said = second.ask("/api/applications")
    assert status == 503
    assert "this server waits" in json.loads(said)["error"]["what"]
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(20) == 0
    second.await_ready(seconds=8)  # well before the lease would have run out


def test_who_is_robbed_of_its_lease_ends_and_says_why(
    start: Start, real_cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    server = start("one")
    server.await_ready()
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/headgate"
    stolen = {"spec": {"holderIdentity": "another", "leaseDurationSeconds": 15}}
    real_cluster.done("PATCH", path, stolen, "application/merge-patch+json")
    assert server.process.wait(20) == 1
    said = (tmp_path / "one.log").read_text()
    assert "this server leads no more: another has the lease now" in said
    assert "Traceback" not in said
    assert real_cluster.done("GET", path)["spec"]["holderIdentity"] == "another", "it gave back what was not its own"


def test_who_was_frozen_does_nothing_when_it_wakes(start: Start, tmp_path: Path) -> None:
    """As a node that is paused, or a pod whose node is lost for a while: the other took over meanwhile."""
    first = start("one")
    first.await_ready()
    second = start("two")
    second.await_ready("leads; its lease was renewed within the last")
    first.process.send_signal(signal.SIGSTOP)
    second.await_ready(seconds=40)
    first.process.send_signal(signal.SIGCONT)
    assert first.ask("/readyz")[0] != 200
    assert first.process.wait(20) == 1
    assert "has the lease now" in (tmp_path / "one.log").read_text()
    assert second.ask("/readyz")[0] == 200
