"""The Docker Engine goes away in the middle of things, and comes back: it is said, and all that ran runs again."""

import pytest
from tests.faults.docker.shop import DOCKERFILE, branch
from tests.faults.docker.site import Site, Tree, Visitors, get

pytestmark = [pytest.mark.real("docker", "docker-registry", "envoy", "bandit"), pytest.mark.timeout(120)]


def test_midway_through_a_rollout(site: Site, shop: Tree) -> None:
    """Its candidate is not ready yet: users have the old version, and have it again before anything else happens."""
    address = site.address("shop", "production")
    shop.git("tag", "v6", branch(shop, "late", {"web/version": "late v6"}))
    site.headgate("release", "v6", cwd=shop.folder)
    site.headgate("deploy", "production", "v6", cwd=shop.folder)
    site.until(lambda: "start" in str(site.ask("/shop/environments/production")["instances"]), "the candidate starts")
    site.engine.stop()
    site.until(lambda: "The Docker Engine" in site.headgate("status", cwd=shop.folder), "it is said")
    assert "systemctl start docker" in site.headgate("why", "production", cwd=shop.folder)
    site.engine.start()
    site.until(lambda: get(address) == (200, "v1"), "users have the old version again")
    view = site.stable("shop", "production", "v6")
    assert get(address) == (200, "late v6")
    assert view["stable"]["release"] not in view["quarantined"]


def test_with_live_restore_users_are_answered_while_it_is_away(site: Site, shop: Tree) -> None:
    """As it begins again it renews its firewall: for a fraction of a second users notice that."""
    site.engine.set(**{"live-restore": True, "userland-proxy": False})
    site.engine.stop()
    site.engine.start()
    address = site.address("shop", "production")
    site.until(lambda: get(address)[0] == 200, "users have their version again")
    before = get(address)
    assert before == (200, "late v6"), "and nobody else's"
    shop.git("tag", "v7", branch(shop, "later", {"web/version": "late v7"}))
    site.headgate("release", "v7", cwd=shop.folder)
    with Visitors(address) as visitors:
        site.headgate("deploy", "production", "v7", cwd=shop.folder)
        site.until(lambda: "start" in str(site.ask("/shop/environments/production")["instances"]), "it starts")
        site.engine.stop()
        site.until(lambda: "The Docker Engine" in site.headgate("status", cwd=shop.folder), "it is said")
    assert len(visitors.answers) > 20
    assert set(visitors.answers) == {before}
    site.engine.start()
    site.stable("shop", "production", "v7")
    assert get(address) == (200, "late v7")


def test_midway_through_a_build(site: Site, shop: Tree) -> None:
    """Nothing is wrong with the commit: it is built again, once there is something to build it with."""
    sleeps = DOCKERFILE.replace("USER", "RUN sleep 3\nUSER")
    said = site.headgate("release", "--no-wait", branch(shop, "sleeps", {"web/Dockerfile": sleeps}), cwd=shop.folder)
    build = said.split()[0]
    site.until(lambda: "its release" in str(site.ask(f"/shop/builds/{build}")["waits_for"]), "Docker builds")
    site.engine.stop()
    site.until(lambda: "Docker" in str(site.ask(f"/shop/builds/{build}")["waits_for"]), "it is said")
    site.engine.start()
    site.until(lambda: site.ask(f"/shop/builds/{build}")["state"] == "passed", "it becomes a release")
