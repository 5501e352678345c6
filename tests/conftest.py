"""Marks and components shared by all tests."""

import gc
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from uuid import uuid4

import pytest
from hypothesis import settings
from tests.examples import USUAL

if TYPE_CHECKING:
    from tests.aws import Aws
    from tests.kubernetes.cluster import Cluster

# Machines that run tests are shared: a slow example is not a failure. The pytest timeout still bounds every test.
# In CI the same examples each time, so that what turns it red is what was changed; elsewhere new ones in every run.
settings.register_profile(
    "headgate", deadline=None, print_blob=True, max_examples=USUAL, derandomize=os.environ.get("CI") == "true"
)
settings.register_profile("quick", settings.get_profile("headgate"), max_examples=30)  # `make check`
settings.load_profile("headgate")

# A job in a shell's background ignores SIGINT, and so would all that tests start, and then interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

DEBIAN = [str(found) for found in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]  # not on the PATH
SEARCH_PATH = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *DEBIAN]
)

# Not a program of Debian: whether there is one is for the fixture `real_cluster` to say, in CI too.
KUBERNETES = "kubernetes"


def require(component: str) -> Path:
    """The executable of a real component. Missing: a failure in CI (HEADGATE_REQUIRE_REAL=1), a skip elsewhere."""
    found = shutil.which(component, path=SEARCH_PATH)
    if found is not None and (component != "dockerd" or docker_answers()):
        return Path(found)
    how = "is not installed" if found is None else "does not answer"
    return lacking(f"{component} {how}; .ci/run shows how to install and start it")


def lacking(reason: str) -> NoReturn:
    if os.environ.get("HEADGATE_REQUIRE_REAL") == "1":
        pytest.fail(f"{reason} (HEADGATE_REQUIRE_REAL=1 forbids skipping)", pytrace=False)
    pytest.skip(reason)


@cache
def docker_answers() -> bool:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(host.removeprefix("unix://"))
        except OSError:
            return False
    return True


def pytest_collection_finish(session: pytest.Session) -> None:
    """Thousands of tests and all that they import stay to the end: looking through them for garbage took 7 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`@pytest.mark.real("envoy", "nginx")` requires its components before the test's fixtures run."""
    for mark in item.iter_markers("real"):
        for component in mark.args:
            if component != KUBERNETES:
                require(component)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Aws]":
    """moto with shop/db#password in it; servers that a test starts find it even where their files name no endpoint."""
    from tests.aws import CREDENTIALS, aws_server  # a second to import, which other tests need not wait

    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with aws_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        server.make("shop/db", password="correct-horse")
        yield server


@pytest.fixture(scope="session")
def real_cluster(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Cluster]":
    """A real Kubernetes API with the CRDs of Gateway API; skipped where there is none, in CI too."""
    from tests.kubernetes.cluster import found

    with found(tmp_path_factory.mktemp("k8s")) as here:
        if isinstance(here, str):
            pytest.skip(here)
        here.install_gateway_api()
        yield here


@pytest.fixture
def namespace(real_cluster: "Cluster") -> Iterator[str]:
    """One to a test, and gone with it."""
    name = f"headgate-{uuid4().hex[:12]}"
    real_cluster.make_namespace(name)
    yield name
    real_cluster.remove_namespace(name)


@pytest.fixture
def kubelet(real_cluster: "Cluster") -> None:
    """For tests whose pods have to run: skipped where the API server is alone."""
    from tests.kubernetes.cluster import NO_NODE

    if not real_cluster.has_a_ready_node():
        pytest.skip(NO_NODE)
