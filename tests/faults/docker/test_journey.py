"""examples/pcw from a commit to production in containers: one image of each service, the same in every environment."""

import json
import shutil
import urllib.request

import pytest
from tests.faults.docker.python_image import EXAMPLE
from tests.faults.docker.site import PATIENCE, Site, Tree, Visitors, get

pytestmark = [pytest.mark.real("docker", "docker-registry", "envoy", "bandit"), pytest.mark.timeout(180)]
FILE = """\
application: pcw
services:
  web:
    build: services/web
    port: 8000
    health: {{path: /healthz}}
    env: {{QUOTES_TIMEOUT_SECONDS: "3"}}
  quotes:
    build: services/quotes
    port: 8000
    health: {{path: /healthz}}
    env: {{DATABASE_URL: "sqlite:///${{DATA_DIR}}/pcw.db"}}
registry: {{docker: {{url: "{registry}"}}}}
pipeline:
  ci:
    - {{name: test, run: "pytest -q tests/quotes/test_rating.py --junit-xml=r.xml", junit: r.xml}}
    - {{name: scan, needs: [], run: bandit -q -r services --severity-level medium}}
environments:
  devint: {{platform: docker, branches: [main, "feature/*"], integrate: true, keep_warm: 0s}}
  qa: {{platform: docker, deploy: on-request, keep_warm: 0s}}
  staging:
    platform: docker
    deploy: on-build
    strategy: blue-green
    checks: [{{name: e2e, run: 'test -n "$BASE_URL" && pytest -q tests/e2e'}}]
    bake: 1s
    keep_warm: 0s
  production:
    platform: docker
    after: staging
    gates: [{{sign_off: {{from: qa}}}}]
    strategy: {{canary: {{steps: [50], sticky: cookie}}}}
    analysis:
      errors: {{worse_by: 5pp}}
      signals: [errors]  # what shares this machine with the load decides its latency
      blip: 1s
      minimum_requests: 20
      interval: 500ms
      at_least: 1s
      deadline: 40s
    bake: 1s
    keep_warm: 1m
"""
EVERYWHERE = ("devint", "qa", "staging", "production")
CAR = json.loads((EXAMPLE / "traffic" / "enquiries.jsonl").read_text().partition("\n")[0])


@pytest.fixture(scope="module")
def pcw(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Followed by the server, with its first version committed."""
    tree = Tree(tmp_path_factory.mktemp("pcw") / "pcw")
    shutil.copytree(EXAMPLE, tree.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    tree.write("headgate.yaml", FILE.format(registry=site.fence.url))
    tree.commit("Begin")
    site.headgate("apply", cwd=tree.folder)
    site.until(lambda: "followed" in site.ask("/pcw"), "it is followed")
    return tree


def digests(site: Site, label: str) -> dict[str, str]:
    found = next(one for one in site.ask("/pcw/releases")["releases"] if one["label"] == label)
    return dict(found["images"])


def quotes(site: Site, environment: str) -> dict[str, object]:
    """What a program gets that asks `web`, which asks `quotes`, both of them behind Envoy."""
    address = site.address("pcw", environment)
    asked = urllib.request.Request(
        f"{address}/api/quotes", json.dumps(CAR).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 201
        found: dict[str, object] = json.load(answer)
    return found


def test_a_commit_reaches_every_environment_as_the_same_images(site: Site, pcw: Tree) -> None:
    pcw.change("services/web/web/templates/home.html", "</h1>", " v1</h1>")
    pcw.commit("Say which version this is", "v1")
    site.stable("pcw", "staging", "v1", 2 * PATIENCE)
    waits = site.until(lambda: site.ask("/pcw/environments/production")["waits_for"], "production waits")
    assert "qa" in str(waits)
    assert site.ask("/pcw/environments/production")["stable"] is None

    site.headgate("deploy", "qa", "v1", "--wait", cwd=pcw.folder)
    site.headgate("sign-off", "qa", "--verdict", "accepted", "--note", "prices are right", cwd=pcw.folder)
    site.stable("pcw", "production", "v1")

    made = digests(site, "v1")
    assert made.keys() == {"web", "quotes"}
    for environment in EVERYWHERE:
        assert site.running("pcw", environment) == {name: {digest} for name, digest in made.items()}, environment
        assert " v1</h1>" in get(site.address("pcw", environment) + "/")[1]
        assert len(quotes(site, environment)["quotes"]) >= 3  # type: ignore[arg-type]


def test_the_next_one_changes_one_service_and_is_proven_by_its_users(site: Site, pcw: Tree) -> None:
    before = digests(site, "v1")
    address = site.address("pcw", "production")
    pcw.change("services/web/web/templates/home.html", " v1</h1>", " v2</h1>")
    with Visitors(f"{address}/motor") as visitors:
        pcw.commit("Say that this is the next", "v2")
        site.stable("pcw", "staging", "v2", 2 * PATIENCE)
        assert site.running("pcw", "qa") == {name: {digest} for name, digest in before.items()}, "it is pinned"
        site.headgate("deploy", "qa", "v2", "--wait", cwd=pcw.folder)
        assert " v1</h1>" in get(address + "/")[1], "production waits for a person"
        site.headgate("sign-off", "qa", "--verdict", "accepted", cwd=pcw.folder)
        view = site.stable("pcw", "production", "v2")
    after = digests(site, "v2")
    assert (after["quotes"] == before["quotes"], after["web"] == before["web"]) == (True, False)
    assert view["weights"][view["stable"]["revision"]] == 100
    assert len(visitors.answers) > 50
    assert {status for status, _ in visitors.answers} == {200}
    drawn = site.headgate("pipeline", cwd=pcw.folder).splitlines()
    assert next(line for line in drawn if line.startswith("v2")).count("stable") == 3
    for environment in ("qa", "staging", "production"):  # where the one before is still warm, that runs too
        running = site.running("pcw", environment)
        assert all(digest in running[name] for name, digest in after.items()), environment


def test_branches_that_conflict_are_named_and_the_rest_is_integrated(site: Site, pcw: Tree) -> None:
    page, hostile = "services/web/web/templates/home.html", "feature/two;$(touch${IFS}pwned)"
    for name, words in (("feature/one", "one"), (hostile, "two")):
        pcw.git("switch", "--quiet", "--create", name, "main")
        pcw.change(page, " v2</h1>", f" {words}</h1>")
        pcw.commit(f"Say {words}")
        pcw.git("switch", "--quiet", "main")

    def told() -> str | None:
        said = site.headgate("status", cwd=pcw.folder)
        return said if "is left out" in said else None

    said = site.until(told, "the conflict is told")
    assert f"{hostile} is left out, in conflict: {page}" in str(said)
    site.until(lambda: " one</h1>" in get(site.address("pcw", "devint") + "/")[1], "devint serves what merged")
    assert " v2</h1>" in get(site.address("pcw", "production") + "/")[1]
    assert not list(site.folder.parent.rglob("pwned"))
    release = site.ask("/pcw/environments/devint")["stable"]["release"]
    assert "never goes further" in site.headgate("deploy", "production", release, cwd=pcw.folder, code=1)
