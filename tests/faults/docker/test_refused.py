"""What goes wrong on the way to an image: an error that names the step and the remedy, and production as it was."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from aiohttp import web
from tests.faults.docker.shop import DOCKERFILE, TEST, branch
from tests.faults.docker.site import HOOK_SECRET, Site, Tree, get

pytestmark = [pytest.mark.real("docker", "docker-registry", "envoy", "bandit"), pytest.mark.timeout(120)]
@pytest.fixture(autouse=True)
def production(site: Site, shop: Tree) -> Iterator[str]:
    """Its address. It goes on answering with the version that it had, and nothing is on its way there."""
    address = site.address("shop", "production")
    before, stable = get(address), site.ask("/shop/environments/production")["stable"]["revision"]
    assert before[0] == 200
    yield address
    site.fence.open()
    assert get(address) == before
    view = site.ask("/shop/environments/production")
    assert (view["stable"]["revision"], view["rollout"], view["waiting"]) == (stable, None, None)


def refused(site: Site, tree: Tree, reference: str) -> str:
    """What `headgate release` says; there is no release of it, and `builds` shows why."""
    before = site.ask("/shop/releases")["releases"]
    said = site.headgate("release", reference, cwd=tree.folder, code=1)
    assert site.ask("/shop/releases")["releases"] == before
    newest = site.ask("/shop/builds")["builds"][0]
    assert newest["state"] == "failed"
    shown = site.headgate("builds", newest["build"], cwd=tree.folder)
    return said + shown


def test_a_failing_test(site: Site, shop: Tree) -> None:
    said = refused(site, shop, branch(shop, "wrong-price", {"test_price.py": TEST.format(price=43)}))
    assert "test failed: 1 of 1 tests failed: test_price::test_price" in said
    assert "headgate logs --build bld_" in said


def test_a_failing_scan(site: Site, shop: Tree) -> None:
    hole = "import subprocess\nsubprocess.run(input(), shell=True)\n"
    said = refused(site, shop, branch(shop, "unsafe", {"web/more.py": hole}))
    assert "scan failed: " in said
    newest = site.ask("/shop/builds")["builds"][0]["build"]
    assert "web/more.py:2" in site.headgate("logs", "--build", newest, "--step", "scan", cwd=shop.folder)


def test_a_dockerfile_that_reads_outside_its_folder(site: Site, shop: Tree) -> None:
    began = time.monotonic()
    outside = DOCKERFILE.replace("COPY", "COPY ../test_price.py /srv/\nCOPY")
    said = refused(site, shop, branch(shop, "outside", {"web/Dockerfile": outside}))
    assert "image of web at " in said
    assert "test_price.py" in said
    assert "nothing outside it; move the file there" in said
    assert time.monotonic() - began < 30, "it is hopeless, and said at once"


def begun(site: Site, shop: Tree, reference: str) -> str:
    """A build whose steps run, or that makes its release, while we go on."""
    said = site.headgate("release", "--no-wait", "--json", reference, cwd=shop.folder)
    return str(json.loads(said)["build"])


def failing(site: Site, build: str) -> str:
    """What `headgate builds` says of a build that goes on trying."""

    def there() -> str:
        view = site.ask(f"/shop/builds/{build}")
        assert view["state"] == "running", view
        first, *others = view["waits_for"] or [""]
        return "; ".join(others) if first.startswith("its release") else ""

    return site.until(there, f"{build} meets an obstacle")


def passed(site: Site, build: str) -> str:
    def there() -> str:
        view = site.ask(f"/shop/builds/{build}")
        assert view["state"] in ("running", "passed"), view
        return str(view["release"] or "")

    return site.until(there, f"{build} becomes a release")


def hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


def test_a_registry_that_is_down(site: Site, shop: Tree) -> None:
    """What is built from is known: nothing has to be pushed, and Docker's own minute of patience is not waited for."""
    branch(shop, "down", {"README.md": "Words."})
    site.registry.stop()
    site.fence.proxy.refuse = hang_up
    try:
        build = begun(site, shop, "down")
        said = failing(site, build)
        assert "cannot be reached" in said
        assert "see that it runs" in said
        said = site.headgate("deploy", "production", "v2", cwd=shop.folder, code=1)
        assert "cannot be reached" in said
    finally:
        site.registry.start()
        site.fence.open()
    assert passed(site, build)


def test_a_registry_that_is_full(site: Site, shop: Tree) -> None:
    site.fence.proxy.refuse = lambda request: (
        web.json_response({"errors": [{"code": "DENIED", "message": "quota exceeded"}]}, status=507)
        if request.method == "PUT" and "/manifests/" in request.path
        else None
    )
    build = begun(site, shop, branch(shop, "full", {"web/version": "v3"}))
    said = failing(site, build)
    assert "image of web at " in said
    assert "pushing: " in said
    assert "its disk may be full" in said
    site.fence.open()
    assert passed(site, build), "with room again it goes on by itself"


def lie(request: web.Request, true: web.Response) -> web.Response | None:
    if request.method != "GET" or "/manifests/" not in request.path or true.status != 200:
        return None
    kept = {name: value for name, value in true.headers.items() if name.lower() != "content-length"}
    content = json.loads(bytes(true.body or b""))  # type: ignore[arg-type]
    content["config"]["digest"] = f"sha256:{hashlib.sha256(b'evil').hexdigest()}"
    return web.Response(status=200, headers=kept, body=json.dumps(content).encode())


async def lying(request: web.Request, true: web.Response) -> web.Response | None:
    return lie(request, true)


def test_a_registry_that_lies_about_a_digest(site: Site, shop: Tree) -> None:
    site.fence.proxy.rule = lying
    build = begun(site, shop, branch(shop, "lie", {"web/version": "v4"}))
    said = failing(site, build)
    assert "nothing from it is deployed" in said
    site.headgate("builds", build, "--cancel", cwd=shop.folder)
    said = site.headgate("deploy", "production", "v2", cwd=shop.folder, code=1)
    assert "and sends sha256:" in said
    assert "nothing from it is deployed" in said
    assert "and sends sha256:" in site.headgate("provenance", "v2", cwd=shop.folder, code=1)


def test_a_registry_that_is_slow(site: Site, shop: Tree) -> None:
    """Nobody else waits for it, a rollback least of all."""
    site.headgate("deploy", "staging", "v1", "--wait", cwd=shop.folder)
    site.headgate("deploy", "staging", "v2", "--wait", cwd=shop.folder)
    site.fence.hold("/manifests/", "GET", "HEAD")
    build = begun(site, shop, branch(shop, "slow", {"README.md": "Slow."}))
    site.until(site.fence.proxy.held.is_set, "the registry is asked")
    began = time.monotonic()
    site.headgate("rollback", "staging", "--wait", cwd=shop.folder)
    assert site.ask("/shop/environments/staging")["stable"]["label"] == "v1"
    assert time.monotonic() - began < 20
    site.headgate("lift", "v2", "--why", "it was no fault of v2", cwd=shop.folder)
    assert "did not answer within 30 s" in failing(site, build)
    site.fence.open()
    assert passed(site, build)


def test_an_image_that_was_deleted(site: Site, shop: Tree) -> None:
    digest = site.ask("/shop/releases")["releases"]
    images = next(one for one in digest if one["label"] == "v2")["images"]
    asked = urllib.request.Request(f"{site.registry.url}/v2/shop/web/manifests/{images['web']}", method="DELETE")
    urllib.request.urlopen(asked, timeout=10).close()
    said = site.headgate("deploy", "production", "v2", cwd=shop.folder, code=1)
    assert "the image of web, " in said
    assert "is no longer in the registry" in said
    assert "make it again: `headgate release " in said


def hooked(site: Site, secret: str, delivery: str) -> tuple[int, str]:
    body = b'{"ref": "refs/heads/main"}'
    signature = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    headers = {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": delivery, "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{site.here()['address']}/hooks/github/shop", body, headers)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_webhook_with_a_wrong_signature(site: Site, shop: Tree) -> None:
    before = site.ask("/shop/builds")["builds"]
    status, said = hooked(site, "another secret of some length", "1")
    assert status == 401
    assert "The webhook there and the server must have the same secret" in said
    assert hooked(site, HOOK_SECRET, "1")[0] == 202
    assert site.ask("/shop/builds")["builds"] == before


def test_what_people_type_is_never_a_command(site: Site, shop: Tree) -> None:
    hostile = "x$(touch${IFS}pwned)`id`;'"
    branch(shop, hostile, {"web/version": "$(touch pwned); `touch pwned`"}, "$(touch pwned); `touch pwned`; ' \" --")
    shop.git("tag", "--", f"v{hostile}", hostile)
    said = site.headgate("release", "--", "--upload-pack=touch pwned", cwd=shop.folder, code=1)
    assert "is not understood" in said
    made = json.loads(site.headgate("release", "--json", f"v{hostile}", cwd=shop.folder))
    site.headgate("deploy", "staging", made["release"], "--wait", cwd=shop.folder)
    assert get(site.address("shop", "staging")) == (200, "$(touch pwned); `touch pwned`")
    image = next(iter(site.running("shop", "staging")["web"]))
    found = json.loads(site.engine.docker("image", "inspect", f"{site.fence.url[7:]}/shop/web@{image}"))[0]
    assert found["Config"]["Labels"]["org.opencontainers.image.version"] == f"v{hostile}"
    assert not list(site.folder.parent.rglob("pwned"))


def test_a_build_that_is_killed_halfway(site: Site, shop: Tree, production: str) -> None:
    """With the server, while Docker builds: the next one makes the release, once."""
    sleeps = DOCKERFILE.replace("USER", "RUN sleep 4\nUSER")
    build = begun(site, shop, branch(shop, "killed", {"web/Dockerfile": sleeps, "web/version": "v5"}))
    site.until(lambda: "its release" in str(site.ask(f"/shop/builds/{build}")["waits_for"]), "Docker builds")
    time.sleep(1)
    site.kill_server()
    assert get(production)[0] == 200, "Envoy and containers need no server"
    site.serve()
    release = passed(site, build)
    assert [one["release"] for one in site.ask("/shop/releases")["releases"]].count(release) == 1
    assert not list((site.data / "images").glob("*.tar"))
