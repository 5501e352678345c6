"""What our adapters ask of a cluster in any test is what the Roles of deploy/kubernetes allow."""

from collections.abc import Iterator

import pytest

OF_CLUSTERS = {"kubernetes", "gateway_api", "ingress_nginx"}
SEAMS = {"platforms", "traffic"}
OTHERS = {"manifests"}  # objects that people bring


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
