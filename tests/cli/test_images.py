"""`headgate provenance` and `headgate images`, against a server whose platform runs images."""

import pytest
from tests.cli.conftest import Run, Served
from tests.web.world import IMAGES_FILE, IMAGES_PRESENT, REPOSITORY, with_images

from headgate.engine import applying
from headgate.engine.releasing import Wanted
from headgate.model.images import Repository
from headgate.testing.fakes.registry import FakeRegistry


@pytest.fixture
def registry(served: Served) -> FakeRegistry:
    """Three releases were made, each with another image of web; the newest is stable."""
    engine = served.shop.engine
    images = with_images(served.shop, served.data)
    understood = applying.understand(IMAGES_FILE, "headgate.yaml", REPOSITORY, IMAGES_PRESENT)
    served.do(applying.apply(engine, understood, "ann"))
    for number in (1, 2, 3):
        files = {"headgate.yaml": IMAGES_FILE, "web/Dockerfile": str(number), "quotes/Dockerfile": "1"}
        served.shop.source.commit(REPOSITORY, files, version=f"v{number}")
        served.do(engine.release("shop", "HEAD", "ann"))
    served.deploy("staging", "v3")
    return images.registry


def test_provenance_prints_and_verifies(headgate: Run, registry: FakeRegistry) -> None:
    out = headgate("provenance", "v2").out
    assert "built from /repositories/shop at " in out
    assert "  web: registry.example.org/shop/web@sha256:" in out
    assert out.endswith("  verified, images in the registry too\n")
    shown = headgate("provenance", "v2", "--json").json()
    assert shown["problem"] is None
    assert shown["envelope"]["payloadType"] == "application/vnd.in-toto+json"
    assert shown["statement"]["predicateType"] == "https://slsa.dev/provenance/v1"


def test_what_does_not_verify_is_told_and_is_a_failure(headgate: Run, served: Served, registry: FakeRegistry) -> None:
    images = headgate("provenance", "v2", "--json").json()["images"]
    served.do(registry.delete(Repository("shop/web"), images["web"]))
    out = headgate("provenance", "v2", code=1).out
    assert "does not verify: v2 is refused: the image of web, registry.example.org/shop/web@sha256:" in out
    refused = headgate("deploy", "staging", "v2", code=1).err
    assert "is no longer in the registry" in refused
    assert "headgate release" in refused


def test_what_another_ci_built_is_told(headgate: Run, served: Served, registry: FakeRegistry) -> None:
    digest = served.do(registry.push("by another CI", Repository("shop/web"), "1234"))
    files = {"headgate.yaml": IMAGES_FILE, "web/Dockerfile": "4", "quotes/Dockerfile": "1"}
    served.shop.source.commit(REPOSITORY, files, version="v4")
    wanted = Wanted(images={"web": f"registry.example.org/shop/web@{digest}"})
    served.do(served.shop.engine.release("shop", "v4", "ann", wanted))
    for command in ("provenance", "release"):
        told = [line for line in headgate(command, "v4").out.splitlines() if "(built elsewhere)" in line]
        assert [line.partition(":")[0] for line in told] == ["  web"], command


@pytest.mark.parametrize("name", ["v9", "../v1", "v1 x", "$(id)"])
def test_an_unknown_release_is_told(headgate: Run, registry: FakeRegistry, name: str) -> None:
    assert "has no release" in headgate("provenance", name, code=1).err


def test_images_are_listed_with_why_they_stay(headgate: Run, registry: FakeRegistry) -> None:
    out = headgate("images", "--keep", "1").out
    assert len(out.splitlines()) == 5  # three of web, one of quotes, the head
    assert out.count("stable in staging") == 2
    assert out.count("nothing needs it") == 2
    assert out.count("sha256:") == 4


def test_pruning_deletes_what_nothing_needs(headgate: Run, registry: FakeRegistry) -> None:
    out = headgate("images", "--prune", "--keep", "1").out
    assert [line.partition("@")[0] for line in out.splitlines()] == ["deleted web", "deleted web"]
    assert headgate("images", "--prune", "--keep", "1").out == "nothing to delete: every image is needed\n"
    assert len(headgate("images", "--json").json()["images"]) == 2
