"""What only a kubelet and a scheduler show: pods that run, and why others do not, in their own words."""

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.images import Images
from tests.kubernetes.test_platform import WHERE, Stage

from headgate.model.ids import JobId, ReleaseId, RevisionId
from headgate.model.migrations import Migration
from headgate.model.observations import Instance
from headgate.model.releases import Revision
from headgate.model.schema import MigrationOrder
from headgate.model.services import Container, Service, Value

pytestmark = [
    pytest.mark.real("kubernetes", "docker-registry"),
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("kubelet"),
]
PROGRAM = Path(__file__).with_name("in_a_pod.py").read_text()


def serving(images: Images, status: int = 200, answer: str = "") -> Service:
    return Service("web", ("/bin/python", "-c", PROGRAM, str(status), answer), 8000, image=images.python)


@pytest.fixture
async def stage(tmp_path: Path, real_cluster: Cluster, namespace: str) -> AsyncIterator[Stage]:
    one = Stage(tmp_path, real_cluster.kubeconfig, namespace)
    yield one
    await one.close()


async def run(stage: Stage, service: Service, versions: dict[str, str] | None = None) -> Revision:
    label = uuid4().hex[:12]
    known = (RevisionId(f"rev_{label}"), WHERE, ReleaseId("rel_1"), "c" * 40, label)
    revision = Revision(*known, (service,), versions or {})
    await stage.platform.run(revision)
    return revision


async def told(stage: Stage, *words: str) -> Instance:
    """Once all instances there are say it."""

    def says(seen: Sequence[Instance]) -> bool:
        return bool(seen) and all(word in f"{one.state} {one.detail}" for one in seen for word in words)

    try:
        return (await stage.seen(says))[0]
    except TimeoutError:
        seen = await stage.platform.observe(WHERE)
        raise AssertionError(f"waited for {words}, seen: {seen}") from None


def ask(address: str, path: str = "/") -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
        return str(answer.read().decode())


def strict(real_cluster: Cluster, namespace: str) -> None:
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    real_cluster.done("PATCH", f"/api/v1/namespaces/{namespace}", labels, "application/merge-patch+json")


async def test_a_closed_pod_runs_has_its_secret_and_is_followed(
    stage: Stage, images: Images, real_cluster: Cluster
) -> None:
    """Under the strictest Pod Security Standard: what it may do, it says itself."""
    strict(real_cluster, stage.namespace)
    service = replace(
        serving(images),
        env={"KEY": Value("secret", "shop/key", as_file=True)},
        container=Container(memory=64 << 20, cpus=0.1),
    )
    await run(stage, service, {"shop/key": "1"})
    one = await told(stage, "ready")
    said = json.loads(await asyncio.to_thread(ask, one.address))
    places = {"root": "Read-only file system", "tmp": "yes", "data": "yes"}
    powers = {"user": 65534, "escalates": False, "capabilities": "0" * 16, "token": False}
    assert said == places | powers | {"key": "value"}
    lines = stage.platform.logs(WHERE, "web", 100, follow=True)
    async with asyncio.timeout(15):
        assert (await anext(lines)).endswith("| it begins")
        await asyncio.to_thread(ask, one.address, "/later")
        assert (await anext(lines)).endswith("| asked for /later")


async def test_an_image_that_is_nowhere_is_told_in_the_registrys_words(stage: Stage, images: Images) -> None:
    nowhere = f"{images.host}/pcw/none@sha256:{'0' * 64}"
    began = time.monotonic()
    await run(stage, replace(serving(images), image=nowhere))
    await told(stage, "starting", "Err", f'"{nowhere}"', "not found")
    assert time.monotonic() - began < 10
    for _ in range(20):  # what comes after it says less, and is not shown instead
        await asyncio.sleep(0.1)
        assert "not found" in (await stage.platform.observe(WHERE))[0].detail


async def test_a_crash_loop_is_told_with_its_last_lines(stage: Stage, images: Images) -> None:
    program = ("/bin/python", "-c", "print('begins'); raise SystemExit('no such table: rates')")
    await run(stage, replace(serving(images), command=program))
    one = await told(stage, "exited", "ended with code 1", "begins | no such table: rates")
    while one.restarts < 3:
        await asyncio.sleep(0.2)
        one = (await stage.platform.observe(WHERE))[0]
    one = await told(stage, "exited", "ended with code 1", "begins | no such table: rates")
    assert one.retry_at is not None


async def test_a_probe_that_fails_is_told_with_its_answer(stage: Stage, images: Images) -> None:
    await run(stage, serving(images, 503, "no database"))
    await told(stage, "starting", "Readiness probe failed: HTTP probe failed with statuscode: 503")


async def test_what_asks_too_much_is_told_in_the_schedulers_words(stage: Stage, images: Images) -> None:
    await run(stage, replace(serving(images), container=Container(cpus=1000)))
    one = await told(stage, "no node takes it: ", "Insufficient cpu")
    assert "nodes are available" in one.detail


async def test_a_full_quota_is_told_in_its_own_words(stage: Stage, images: Images, real_cluster: Cluster) -> None:
    where = f"/api/v1/namespaces/{stage.namespace}/resourcequotas"
    real_cluster.done("POST", where, {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "1"}}})
    while "hard" not in real_cluster.done("GET", f"{where}/small").get("status", {}):
        await asyncio.sleep(0.05)
    await run(stage, replace(serving(images), replicas=2))

    def refused(seen: Sequence[Instance]) -> bool:
        return {one.state for one in seen} == {"ready", "starting"} and "exceeded quota" in str(seen)

    seen = await stage.seen(refused)
    assert "exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1" in str(seen)


async def test_an_image_whose_user_is_a_name_is_told_what_to_write(stage: Stage, images: Images) -> None:
    image = images.put("pcw/named", "1", {}, "nobody")
    await run(stage, replace(serving(images), image=image))
    await told(stage, "CreateContainerConfigError", "non-numeric user (nobody)", '`container: {user: "1000"}`')


async def test_migrations_run_once_as_jobs(stage: Stage, images: Images) -> None:
    service = replace(serving(images), env={"LEVEL": Value("plain", "seven")})
    revision = Revision(RevisionId("rev_1"), WHERE, ReleaseId("rel_1"), "c" * 40, "one", (service,), {})

    async def ended(number: int, command: str) -> tuple[str, str]:
        migration = Migration(number, command, "expand")
        order = MigrationOrder(JobId(f"migration-web-{number}-1"), revision, "web", migration)
        await stage.platform.migrate(order)
        async with asyncio.timeout(40):
            while (seen := await stage.platform.observe_migration(WHERE, order.id)) is None or seen.state == "running":
                await asyncio.sleep(0.1)
        return seen.state, seen.detail

    passed, failed = await asyncio.gather(
        ended(7, 'test "$LEVEL $HEADGATE_MIGRATION" = "seven 7"'), ended(8, "echo no column country >&2; exit 3")
    )
    assert passed == ("passed", "")
    assert failed[0] == "failed"
    assert failed[1].endswith(": no column country"), failed
