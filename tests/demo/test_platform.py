"""Which path the demo takes, and that it says why in one sentence."""

import subprocess
from pathlib import Path

import pytest

from headgate.cli.demo import containers, example, platform
from headgate.cli.demo.platform import Platform, chosen
from headgate.cli.demo.server import HEADGATE
from headgate.cli.failure import USAGE, Failure

SOURCE = example.find()


@pytest.fixture
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")


@pytest.fixture
def lacks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is lacking."""
    told = [""]
    monkeypatch.setattr(platform, "lacking", lambda example: told[0])
    return told


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_they_run_as_processes() -> None:
    choice = chosen(None, SOURCE)
    assert choice.platform is Platform.PROCESS
    assert choice.why.startswith("as processes, not in containers: the Docker Engine does not answer on ")
    assert choice.why.endswith("(No such file or directory).")


@pytest.mark.usefixtures("no_engine")
def test_containers_asked_for_in_vain_are_refused_with_what_is_missing() -> None:
    with pytest.raises(Failure, match="no containers: The Docker Engine does not answer") as refused:
        chosen(Platform.DOCKER, SOURCE)
    assert (refused.value.code, "Or: --platform process." in refused.value.remedy) == (USAGE, True)


@pytest.mark.parametrize("asked", [None, Platform.DOCKER])
def test_with_all_that_is_needed_they_run_in_containers(asked: Platform | None, lacks: list[str]) -> None:
    choice = chosen(asked, SOURCE)
    assert choice.platform is Platform.DOCKER
    assert choice.why.startswith("in containers")


def test_processes_can_be_asked_for(lacks: list[str]) -> None:
    assert chosen(Platform.PROCESS, SOURCE).platform is Platform.PROCESS


def test_an_engine_elsewhere_does_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert containers.elsewhere({"OperatingSystem": "Docker Desktop", "SecurityOptions": []}) == "Docker Desktop"
    assert containers.elsewhere({"OperatingSystem": "Debian", "SecurityOptions": ["name=rootless"]}) == "rootless"
    assert containers.elsewhere({"OperatingSystem": "Debian", "SecurityOptions": None}) == ""


@pytest.mark.real("dockerd", "docker-registry")
def test_here_is_all_that_is_needed() -> None:
    assert containers.lacking(SOURCE) == ""


@pytest.mark.real("dockerd")
@pytest.mark.parametrize("program", ["docker-registry", "ldd", "chown"])
def test_what_is_not_installed_is_named(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = containers.shutil.which
    monkeypatch.setattr(containers.shutil, "which", lambda name: None if name == program else real(name))
    assert program in containers.lacking(SOURCE)


@pytest.mark.real("dockerd")
def test_packages_of_other_versions_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "services" / "web"
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("uvicorn==0.1\n")
    assert "uvicorn==0.1 (" in containers.lacking(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("no_engine")
def test_the_command_refuses_and_leaves_nothing(tmp_path: Path) -> None:
    command = [*HEADGATE, "demo", "--platform", "docker", "--data", str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == USAGE
    assert "headgate: there can be no containers: " in done.stderr
    assert not (tmp_path / "home").exists()
