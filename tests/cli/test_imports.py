"""Commands import what they need: time to start is time to roll back."""

import subprocess
import sys

import pytest

LARGE = (
    "pydantic",
    "fastapi",
    "starlette",
    "sqlalchemy",
    "aiohttp",
    "ruamel",
    "uvicorn",
    "cattrs",
    "asyncio",
    "http.client",
)
CONSOLE = ("typer", "rich", "click", "inspect", "dataclasses", "pathlib", "ssl", "email")


def imported(*arguments: str) -> set[str]:
    program = (
        "import sys; from headgate.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('\\nIMPORTED', *sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"HEADGATE_DATA": "/nowhere", "PATH": "/usr/bin:/bin"},
    )
    assert "IMPORTED" in ran.stderr, ran.stderr
    return set(ran.stderr.partition("IMPORTED")[2].split())


@pytest.mark.parametrize(
    "arguments",
    ["--version", "rollback production", "rollback production --to v1", "abort production", "status", "why production"],
)
def test_what_someone_waits_for_imports_almost_nothing(arguments: str) -> None:
    assert imported(*arguments.split()) & {*LARGE, *CONSOLE} == set()


@pytest.mark.parametrize("arguments", ["history production -n 5", "logs production -n 5", "status --data=/nowhere"])
def test_other_commands_import_typer_but_not_the_server(arguments: str) -> None:
    """Typer itself imports pydantic by now."""
    assert imported(*arguments.split()) & {*LARGE, "rich"} - {"pydantic"} == set()


def test_the_test_can_fail() -> None:
    assert "typer" in imported("status", "--data=/nowhere")


@pytest.mark.slow
def test_every_command_can_be_the_first_to_import_anything() -> None:
    """Tests run most commands in processes that have imported all others: see forked.py."""
    program = (
        "import pkgutil, sys\n"
        "from importlib import import_module\n"
        "from headgate.cli import commands\n"
        "for name in [one.name for one in pkgutil.iter_modules(commands.__path__)]:\n"
        "    for loaded in [one for one in sys.modules if one.partition('.')[0] == 'headgate']:\n"
        "        del sys.modules[loaded]\n"
        "    import_module(f'headgate.cli.commands.{name}')\n"
        "    print(name)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert ran.returncode == 0, ran.stderr
    assert {"apply", "serve", "watch"} <= set(ran.stdout.split())
