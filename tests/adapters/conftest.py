"""What our adapters ask of a cluster in any test is what the Roles of deploy/kubernetes allow."""

import os
from collections.abc import Iterator

import pytest

OF_CLUSTERS = {"kubernetes", "gateway_api", "ingress_nginx"}
SEAMS = {"platforms", "traffic"}
OTHERS = {"manifests"}  # objects that people bring


@pytest.fixture(autouse=True)
def _no_authorities(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster's client reads all that this machine trusts, for http too: 30 ms, and nothing in memory needs it."""
    if OF_CLUSTERS & set(request.path.parts) and request.node.get_closest_marker("real") is None:
        monkeypatch.setenv("SSL_CERT_FILE", os.devnull)


@pytest.fixture(autouse=True)
def _within_its_rights(request: pytest.FixtureRequest) -> Iterator[None]:
    folders = set(request.path.parts)
    if not OF_CLUSTERS & folders or not SEAMS & folders or OTHERS & folders:
        yield
        return
    from tests.kubernetes.asked import recorded
    from tests.kubernetes.roles import granted

    with recorded() as asked:
        yield
    beyond = asked - granted()
    assert not beyond, f"no Role of deploy/kubernetes allows {sorted(beyond)}: add a rule that says what it is for"
