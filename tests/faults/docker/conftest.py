"""One site for all tests of this folder: what it costs to start it is paid once."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.faults.docker import shop as shops
from tests.faults.docker.network import own_network
from tests.faults.docker.site import Site, Tree


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with own_network(), closing(Site(tmp_path_factory.mktemp("site"))) as made:
        yield made


@pytest.fixture(scope="package")
def shop(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return shops.opened(site, tmp_path_factory.mktemp("shop") / "shop")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    site = getattr(item, "funcargs", {}).get("site")
    if report.when == "call" and report.failed and isinstance(site, Site):
        report.sections.append(("the server's last lines", site.log()[-6000:]))
    return report
