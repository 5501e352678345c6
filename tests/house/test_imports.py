"""The import map of .importlinter, run as a test, and proof that each of its contracts can break."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / ".importlinter"

# One forbidden import per contract, written into a copy of the package: file (under headgate/) -> line.
TRESPASSES = {
    "map": ("utils/__init__.py", ""),
    "engine": ("engine/__init__.py", "from headgate.store import nothing"),
    "engine-judges-through-decide": ("engine/__init__.py", "from headgate import analysis"),
    "web": ("web/__init__.py", "from headgate import store"),
    "cli": ("cli/__init__.py", "from headgate import engine"),
    "decide": ("decide/__init__.py", "from headgate import ports"),
    "analysis": ("store/__init__.py", "from headgate import analysis"),
    "seams": ("adapters/platforms/__init__.py", "from headgate.adapters import traffic"),
    "adapters": ("adapters/platforms/one.py", "from headgate.adapters.platforms import two"),
    "pure": ("model/trespass.py", "def late():\n    import time"),
    "home-sqlalchemy": ("engine/__init__.py", "import sqlalchemy"),
    "home-watchfiles": ("engine/__init__.py", "import watchfiles"),
    "home-detect-secrets": ("engine/__init__.py", "import detect_secrets"),
    "home-fastapi": ("engine/__init__.py", "import fastapi"),
    "home-uvicorn": ("engine/__init__.py", "import uvicorn"),
    "home-typer": ("engine/__init__.py", "import rich.console"),
    "home-ruamel": ("engine/__init__.py", "import ruamel.yaml"),
    "home-psutil": ("adapters/traffic/__init__.py", "import psutil"),
    "home-aiohttp": ("cli/__init__.py", "import aiohttp"),
    "home-pydantic": ("engine/__init__.py", "import pydantic"),
    "home-cattrs": ("engine/__init__.py", "import cattrs"),
    "home-kubernetes": ("adapters/platforms/three.py", "import kubernetes_asyncio"),
}


def lint(source: Path) -> str:
    """The report on the package in `source`; ends with how many contracts are kept and broken."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    command += ["--config", str(CONTRACTS), "--no-cache", "--no-logo"]
    environment = {**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False).stdout


def names() -> dict[str, str]:
    parser = configparser.ConfigParser()
    parser.read(CONTRACTS)
    prefix = "importlinter:contract:"
    return {section.removeprefix(prefix): parser[section]["name"] for section in parser if section.startswith(prefix)}


def test_every_room_keeps_the_map() -> None:
    report = lint(ROOT / "src")
    assert f"Contracts: {len(names())} kept, 0 broken." in report, report


@pytest.fixture(scope="module")
def report_on_trespassers(tmp_path_factory: pytest.TempPathFactory) -> str:
    source = tmp_path_factory.mktemp("trespass")
    shutil.copytree(ROOT / "src" / "headgate", source / "headgate", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "headgate/adapters/platforms/two.py").touch()
    for file, line in TRESPASSES.values():
        path = source / "headgate" / file
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as stream:
            stream.write(f"\n{line}\n")
    return lint(source)


@pytest.mark.parametrize("contract", names())
def test_each_contract_can_break(contract: str, report_on_trespassers: str) -> None:
    assert f"{names()[contract]} BROKEN" in report_on_trespassers, report_on_trespassers
