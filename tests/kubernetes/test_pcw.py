"""examples/pcw on a whole cluster: a canary of pods with real requests, a bad release put back, and the way back."""

import asyncio
import itertools
import json
import shutil
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.faults.docker.site import PATIENCE, Tree
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.images import EXAMPLE, Images, code
from tests.kubernetes.site import Entry, Site, begun

pytestmark = [
    pytest.mark.real("kubernetes", "docker-registry", "envoy", "prometheus"),
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("kubelet"),
]
SERVICES = ("web", "quotes")
STREAMS = 4  # of visitors
ABORTED = 4  # exit code
MADE = (
    *("v1/pods", "v1/services", "v1/configmaps", "v1/secrets", "apps/v1/deployments", "policy/v1/poddisruptionbudgets"),
    *("batch/v1/jobs", "autoscaling/v2/horizontalpodautoscalers", "gateway.networking.k8s.io/v1/httproutes"),
)
ENQUIRIES = [line.encode() for line in (EXAMPLE / "traffic" / "enquiries.jsonl").read_text().splitlines()]
PRODUCTION = """
platform: {{kubernetes: {{namespace: {namespace}}}}}
deploy: on-request
traffic:
  gateway_api:
    gateway: {gateway}
    hostnames: {{web: [pcw.localhost], quotes: [quotes.localhost]}}
    previews: {{web: preview.pcw.localhost, quotes: preview.quotes.localhost}}
metrics:
  prometheus:
    url: {prometheus}
    requests: 'envoy_cluster_upstream_rq_xx{{envoy_cluster_name="gateway/{namespace}/{{workload}}"}}'
    errors: 'envoy_cluster_upstream_rq_xx{{envoy_cluster_name="gateway/{namespace}/{{workload}}", envoy_response_code_class="5"}}'
    latency: 'envoy_cluster_upstream_rq_time_bucket{{envoy_cluster_name="gateway/{namespace}/{{workload}}"}}'
    latency_unit: milliseconds
    scrape_interval: 1s
strategy: {{canary: {{steps: [50]}}}}
analysis:
  errors: {{worse_by: 2pp}}
  signals: [errors]  # what shares this machine with the load decides its latency
  blip: 1s
  minimum_requests: 50
  interval: 1s
  at_least: 3s
  deadline: 60s
bake: 3s
keep_warm: 5m
"""  # noqa: E501


class Shop:
    """A repository with examples/pcw, of which each version becomes images that its file names."""

    def __init__(self, folder: Path, images: Images, entry: Entry, namespace: str) -> None:
        self.tree, self._images, self._entry, self.namespace = Tree(folder), images, entry, namespace
        shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))

    def release(self, label: str, patch: str = "", **changed: Any) -> None:
        if patch:
            self.tree.git("apply", str(EXAMPLE / "versions" / f"{patch}.patch"))
        for service in SERVICES:
            self._images.put(f"pcw/{service}", label, code(service, self.tree.folder))
        self.tree.write("headgate.yaml", yaml.safe_dump(self._file(label, changed), sort_keys=False))
        self.tree.commit(label, label)

    def close(self) -> None:
        """Its production is no more."""
        written = yaml.safe_load((EXAMPLE / "headgate.yaml").read_text())
        written["environments"] = {"dev": written["environments"]["dev"]}
        self.tree.write("headgate.yaml", yaml.safe_dump(written, sort_keys=False))
        self.tree.commit("Close the shop")

    def _file(self, label: str, changed: dict[str, Any]) -> dict[str, Any]:
        """As it stands in the example: other are the images, and the place."""
        written = yaml.safe_load((EXAMPLE / "headgate.yaml").read_text())
        for service in SERVICES:
            del written["services"][service]["build"]
            written["services"][service]["image"] = f"{self._images.host}/pcw/{service}:{label}"
        written["services"]["web"] |= changed
        known = {"namespace": self.namespace, "gateway": self._entry.name, "prometheus": self._entry.prometheus.url}
        production = yaml.safe_load(PRODUCTION.format(**known))
        registry = {"docker": {"url": f"http://{self._images.host}"}}
        return {**written, "pipeline": {}, "registry": registry, "environments": {"production": production}}


class Visitors:
    """A hundred or two requests a second at the Gateway: pages, and the enquiries that programs send."""

    def __init__(self, port: int) -> None:
        self.port, self._ended = port, threading.Event()
        self.answers: list[tuple[str, int]] = []
        self._threads = [threading.Thread(target=self._visit, args=(one,)) for one in range(STREAMS)]

    def _visit(self, first: int) -> None:
        for number in itertools.cycle(range(first, len(ENQUIRIES), STREAMS)):
            self.answers.append(("page", ask(self.port, "pcw.localhost", "/motor")[0]))
            self.answers.append(("quote", ask(self.port, "quotes.localhost", "/quotes", ENQUIRIES[number])[0]))
            if self._ended.wait(0.02):
                return

    def __enter__(self) -> "Visitors":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()


def ask(port: int, host: str, path: str, body: bytes | None = None) -> tuple[int, str]:
    """Status and text; 0 where nobody answers."""
    headers = {"Host": f"{host}:{port}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers), timeout=10
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)


@pytest.fixture
async def place(
    real_cluster: Cluster, images: Images, namespace: str, tmp_path: Path
) -> AsyncIterator[tuple[Site, Entry, Shop]]:
    async with begun(real_cluster, namespace, tmp_path) as (site, entry):
        yield site, entry, Shop(tmp_path / "pcw", images, entry, namespace)


def images_of(cluster: Cluster, namespace: str) -> dict[str, str]:
    """The digest of each service by the newest pod that the kubelet says is ready."""
    pods = cluster.done("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]
    ready = [one for one in pods if any(each["ready"] for each in one["status"].get("containerStatuses", []))]
    ready.sort(key=lambda one: str(one["metadata"]["creationTimestamp"]))
    return {
        one["metadata"]["labels"]["headgate.dev/service"]: one["spec"]["containers"][0]["image"].partition("@")[2]
        for one in ready
    }


async def test_the_price_comparison_goes_to_production_and_back(
    place: tuple[Site, Entry, Shop], real_cluster: Cluster
) -> None:
    await asyncio.to_thread(story, *place, real_cluster)


def story(site: Site, entry: Entry, shop: Shop, cluster: Cluster) -> None:
    def deploy(label: str, code: int = 0) -> str:
        site.headgate("release", label, cwd=shop.tree.folder)
        wait = ("deploy", "production", label, "--wait")
        return site.headgate(*wait, cwd=shop.tree.folder, code=code, patience=1.5 * PATIENCE)

    shop.release("v1")
    site.headgate("apply", cwd=shop.tree.folder)
    site.until(lambda: "followed" in site.ask("/pcw"), "it is followed")
    deploy("v1")
    first = version(entry)
    assert images_of(cluster, shop.namespace) == digests(site, "v1")

    with Visitors(entry.port) as visitors:
        shop.release("v2", "2-monthly-price")
        assert "step 4 done: the router says 50 % go to the candidate" in deploy("v2")
    assert {status for _, status in visitors.answers} <= {200, 201}, "no visitor notices it"
    second = version(entry)
    assert second != first
    assert images_of(cluster, shop.namespace).items() >= digests(site, "v2").items()

    with Visitors(entry.port):
        shop.release("v3", "3-typical-price")
        assert "aborted by headgate: analysis failed: quotes: errors" in deploy("v3", ABORTED)
    assert version(entry) == second

    shop.release("v4", command=["/bin/python", "-c", "raise SystemExit('no such table: rates')"])
    said = deploy("v4", ABORTED)
    assert "aborted by headgate: " in said
    assert "no such table: rates" in said

    site.headgate("rollback", "production", "--why", "prices", "--wait", cwd=shop.tree.folder)
    site.stable("pcw", "production", "v1")
    assert version(entry) == first
    assert leave(site, shop, cluster) == []


def version(entry: Entry) -> str:
    """Of the release that answers users."""
    return str(json.loads(ask(entry.port, "pcw.localhost", "/version")[1])["release"])


def digests(site: Site, label: str) -> dict[str, str]:
    found = next(one for one in site.ask("/pcw/releases")["releases"] if one["label"] == label)
    return dict(found["images"])


def leave(site: Site, shop: Shop, cluster: Cluster) -> list[str]:
    """Takes the environment out of the file. Returns what is left of it in the cluster."""
    shop.close()
    site.headgate("apply", cwd=shop.tree.folder)
    site.until(lambda: not left(cluster, shop.namespace), "all that was made is gone")
    return left(cluster, shop.namespace)


def left(cluster: Cluster, namespace: str) -> list[str]:
    own = f"?labelSelector={urllib.parse.quote('headgate.dev/environment')}"
    found = []
    for kind in MADE:
        group, _, name = kind.rpartition("/")
        where = f"/apis/{group}" if "/" in group else f"/api/{group}"
        items = cluster.done("GET", f"{where}/namespaces/{namespace}/{name}{own}")["items"]
        found += [f"{name}/{one['metadata']['name']}" for one in items]
    return found
