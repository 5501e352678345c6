"""What `headgate init` sees in a folder, and that what it writes can be applied as it is."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.spec.files import PRESENT

from headgate.spec.compile import application, services
from headgate.spec.dockerfile import instructions
from headgate.spec.facts import Facts, Program, detect
from headgate.spec.missing import missing
from headgate.spec.read import read
from headgate.spec.scaffold import scaffold

UVICORN = ("--host", "$HOST", "--port", "$PORT")
FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI(title='Shop')\n\n@app.get('/healthz')\ndef health(): ...\n"
FLASK = "import flask\napp = flask.Flask(__name__)\n"
FOLDERS = {
    "fastapi": (
        {"app/main.py": FASTAPI, "requirements.txt": ""},
        [("web", ".", ("uvicorn", "app.main:app", *UVICORN))],
    ),
    "src layout": (
        {"src/shop/api.py": FASTAPI, "pyproject.toml": ""},
        [("web", ".", ("uvicorn", "shop.api:app", "--app-dir", "src", *UVICORN))],
    ),
    "starlette": (
        {"server.py": "application: Starlette = Starlette()\n"},
        [("web", ".", ("uvicorn", "server:application", *UVICORN))],
    ),
    "flask": ({"app.py": FLASK}, [("web", ".", ("flask", "--app", "app:app", "run", *UVICORN))]),
    "flask and gunicorn": (
        {"app.py": FLASK, "requirements.txt": "Gunicorn==23"},
        [("web", ".", ("gunicorn", "app:app", "--bind", "$HOST:$PORT"))],
    ),
    "django": (
        {"manage.py": 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'},
        [("web", ".", ("python", "manage.py", "runserver", "--noreload", "$HOST:$PORT"))],
    ),
    "django and gunicorn": (
        {
            "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
            "requirements.txt": "django\ngunicorn\n",
        },
        [("web", ".", ("gunicorn", "shop.wsgi:application", "--bind", "$HOST:$PORT"))],
    ),
    "factory": (
        {
            "main.py": "from shop import create_app\napp = create_app()\n",
            "shop/__init__.py": "from fastapi import FastAPI\n",
        },
        [("web", ".", ("uvicorn", "main:app", *UVICORN))],
    ),
    "dockerfile first": (
        {"Dockerfile": 'FROM node\nEXPOSE 3000\nCMD ["node", "server.js", "3000"]\n', "app.py": FLASK},
        [("web", ".", ("node", "server.js", "$PORT"))],
    ),
    "several services": (
        {
            "services/quotes/Dockerfile": "FROM python\nCMD uvicorn quotes:app --port ${PORT:-8000}\n",
            "services/front/requirements.txt": "",
            "services/front/front/app.py": FASTAPI,
            "pyproject.toml": "",
        },
        [
            ("front", "services/front", ("uvicorn", "front.app:app", *UVICORN)),
            ("quotes", "services/quotes", ("uvicorn", "quotes:app", "--port", "$PORT")),
        ],
    ),
    "tests are no programs": ({"tests/app.py": FASTAPI, ".venv/lib/app.py": FASTAPI}, []),
    "nothing": ({}, []),
}


@pytest.mark.parametrize(("files", "expected"), FOLDERS.values(), ids=FOLDERS)
def test_what_is_seen(files: dict[str, str], expected: list[tuple[str, str, tuple[str, ...]]]) -> None:
    programs = detect(files, "shop").programs
    assert [(program.name, program.folder, program.command) for program in programs] == expected


@pytest.mark.parametrize(("files", "expected"), FOLDERS.values(), ids=FOLDERS)
def test_what_is_written_can_be_applied(
    files: dict[str, str], expected: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    spec = read(scaffold(detect(files, "My Shop")))
    assert missing(spec, PRESENT) == []
    assert application(spec, "/srv", "headgate.yaml").name == "my-shop"
    if expected:
        assert [(one.name, one.build, one.command) for one in services(spec)] == expected


def test_health_and_port() -> None:
    (program,) = detect({"app.py": FASTAPI}, "shop").programs
    assert (program.health, program.port, program.origin) == ("/healthz", 8000, "FastAPI in app.py")


@pytest.mark.parametrize(
    ("text", "command", "port"),
    [
        ("", (), None),
        ("FROM a\nCMD serve --port 80\nEXPOSE 80/tcp 81", ("serve", "--port", "$PORT"), 80),
        ('CMD ["serve", \\\n  "0.0.0.0:${PORT:-80}"]', ("serve", "$HOST:$PORT"), None),
        ('CMD ["sh", "-c", "exec serve --port \\"$PORT\\""]', ("serve", "--port", "$PORT"), None),
        ('CMD ["sh", "-c", "prepare && serve $PORT"]', ("sh", "-c", "prepare && serve $PORT"), None),
        ("CMD serve $HOME", ("sh", "-c", "serve $$HOME"), None),
        ('ENTRYPOINT ["python"]\nCMD ["app.py"]', ("python", "app.py"), None),
        ("FROM a AS build\nCMD make\nFROM b\nEXPOSE 99999", (), None),
        ("CMD [not json", ("[not", "json"), None),
        ('CMD "', ("sh", "-c", '"'), None),
        ("CMD [1, 2]", (), None),
    ],
)
def test_dockerfiles(text: str, command: tuple[str, ...], port: int | None) -> None:
    found = instructions(text)
    assert (found.command, found.port) == (command, port)


NAMES = st.from_regex("[a-z][a-z0-9-]{0,38}", fullmatch=True)
PRINTED = st.text(st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S", "Zs"]), min_size=1, max_size=20)
PROGRAMS = st.builds(
    Program,
    name=NAMES,
    folder=st.sampled_from([".", "services/web", "a b", "1.0", "true"]),
    command=st.lists(PRINTED, min_size=1, max_size=4).map(tuple),
    port=st.integers(1, 65535),
    health=st.sampled_from(["/", "/healthz", "/a#b"]),
    origin=st.sampled_from(["", "the Dockerfile's CMD", "FastAPI in app/main.py"]),
)


@given(NAMES, st.lists(PROGRAMS, max_size=3, unique_by=lambda program: program.name))
def test_whatever_the_facts_it_reads_back(name: str, programs: list[Program]) -> None:
    spec = read(scaffold(Facts(name, tuple(programs))))
    assert spec.application == name
    if programs:
        assert [(one.name, one.build, one.command, one.port, one.health.path) for one in services(spec)] == [
            (one.name, one.folder, one.command, one.port, one.health) for one in programs
        ]


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))  # what a file system takes
PATHS = st.one_of(
    st.sampled_from(["Dockerfile", "app.py", "a/Dockerfile", "x y/main.py"]),
    NAMES.map(lambda folder: f"{folder}/Dockerfile"),
    NAMES.map(lambda name: f"{name}.py"),
)
TEXTS = st.one_of(st.text(), st.just(FASTAPI), st.text().map(lambda command: f"CMD {command}"))


@given(st.dictionaries(PATHS, TEXTS, max_size=4), st.text())
@example({}, "NULL")
def test_any_folder_is_read(files: dict[str, str], folder: str) -> None:
    read(scaffold(detect(files, folder)))


@given(st.text(), st.text())
def test_any_dockerfile_is_written_so_that_it_reads(command: str, folder: str) -> None:
    read(scaffold(detect({"Dockerfile": f"FROM a\nCMD {command}\nEXPOSE 80"}, folder)))


def test_the_steps_that_it_suggests_hold_once_the_signs_before_them_are_gone() -> None:
    lines = scaffold(Facts("shop", ())).splitlines()
    begin = lines.index("# pipeline:")
    text = "\n".join(line.removeprefix("# ") if begin <= n < begin + 5 else line for n, line in enumerate(lines))
    specification = read(text)
    assert missing(specification, {**PRESENT, "ci": {"run"}}) == []
    assert [step.name for step in application(specification, "/s", "f").ci] == ["test", "scan", "secrets"]
