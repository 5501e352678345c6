"""The CI steps of the example pass on the example, each in a checkout of its own; the long one is `make test`'s."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.spec.compile import application
from headgate.spec.read import read

EXAMPLE = Path(__file__).parents[2] / "examples" / "pcw"
STEPS = {step.name: step for step in application(read((EXAMPLE / "headgate.yaml").read_text()), "/s", "f").ci}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What git knows of it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=EXAMPLE, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLE / name, tmp_path / name)
    return tmp_path


def run(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = ["/bin/sh", "-c", STEPS[name].run]
    given = {"PATH": path, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, timeout=50, check=False)


@pytest.mark.real("bandit", "detect-secrets-hook")
@pytest.mark.parametrize("name", sorted(STEPS.keys() - {"test"}))
def test_it_passes(name: str, checkout: Path) -> None:
    done = run(name, checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    report = STEPS[name].junit
    assert report is None or (checkout / report).exists()


@pytest.mark.real("bandit", "detect-secrets-hook")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("scan", "import subprocess\nsubprocess.run(input(), shell=True)\n"),
        ("secrets", 'password = "' + "hunter" + '22-very-secret"\n'),
    ],
)
def test_it_finds_what_it_is_for(name: str, line: str, checkout: Path) -> None:
    (checkout / "services" / "web" / "web" / "bad.py").write_text(line)
    done = run(name, checkout)
    assert done.returncode != 0
    assert "bad.py" in done.stdout
