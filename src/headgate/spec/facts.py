"""Facts: what the files of a folder say about the programs in it. Pure: file names and texts in, facts out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from headgate.spec.dockerfile import instructions

MARKERS = ("Dockerfile", "requirements.txt", "pyproject.toml", "setup.py", "Pipfile")  # where a program's folder begins
SKIPPED = re.compile(r"(^|/)(\..*|tests?|docs?|node_modules|site-packages|venv|build|dist|migrations)/")
FRAMEWORKS = ("FastAPI", "Flask", "Starlette", "Quart", "Litestar")
MADE = re.compile(rf"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?({'|'.join(FRAMEWORKS)})\(", re.MULTILINE)
FACTORY = re.compile(
    r"^ {0,4}(app|application)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(?:create|make|build|get)_app\(", re.MULTILINE
)
IMPORTED = re.compile(rf"^(?:from|import) ({'|'.join(name.lower() for name in FRAMEWORKS)})\b", re.MULTILINE)
SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE[\"'],\s*[\"']([\w.]+)\.settings")
HEALTH = re.compile(r"[\"'](/(?:healthz?|livez|readyz|health/(?:live|ready)|ping))/?[\"']")
FOLDER = re.compile(r"[A-Za-z0-9._@+-][A-Za-z0-9._@+/ -]{0,254}")  # what `build` may name
USUAL_PORT = 8000
ENTRANCES = ("main", "app", "asgi", "wsgi", "server", "api")  # module names, the likeliest first


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    folder: str  # below the application's folder; "." for itself
    command: tuple[str, ...]
    port: int
    health: str
    origin: str  # what it was told from, for a comment


@dataclass(frozen=True, slots=True)
class Facts:
    application: str
    programs: tuple[Program, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """A Python web application: `app` in module `shop.main`, made by a framework."""

    framework: str
    module: str
    variable: str
    file: str


def detect(files: Mapping[str, str], folder: str) -> Facts:
    """`files`: path below the folder, with / -> text. `folder`: the folder's own name, for the application's."""
    seen = {name: text for name, text in sorted(files.items()) if not SKIPPED.search(name)}
    programs: dict[str, Program] = {}
    for root in _roots(seen):
        program = _program(root, _below(seen, root))
        if program and program.name not in programs:
            programs[program.name] = program
    return Facts(slug(folder) or "application", tuple(programs.values()))


def slug(text: str) -> str:
    name = re.sub("[^a-z0-9]+", "-", text.lower()).lstrip("-0123456789")[:39].rstrip("-")
    return "null-app" if name == "null" else name  # `null` is no name but YAML's word for nothing


def _roots(files: Mapping[str, str]) -> list[str]:
    """Folders that may hold a program: every one with a marker, and the top."""
    marked = {str(PurePosixPath(name).parent) for name in files if PurePosixPath(name).name in MARKERS}
    return sorted({root for root in marked if FOLDER.fullmatch(root)} | {"."})


def _below(files: Mapping[str, str], root: str) -> dict[str, str]:
    """The files of this root, named from it, without those of roots further down."""
    deeper = [other for other in _roots(files) if other != root and _inside(other, root)]
    own = (name for name in files if _inside(name, root) and not any(_inside(name, other) for other in deeper))
    return {name if root == "." else name[len(root) + 1 :]: files[name] for name in own}


def _inside(name: str, root: str) -> bool:
    return root == "." or name.startswith(root + "/")


def _program(root: str, files: Mapping[str, str]) -> Program | None:
    docker = instructions(files.get("Dockerfile", ""))
    found = next(_applications(files), None)
    if docker.command:
        command, origin = docker.command, "the Dockerfile's CMD"
    elif found:
        command, origin = _command(found, files), f"{found.framework} in {found.file}"
    else:
        return None
    health = next((match[1] for text in files.values() if (match := HEALTH.search(text))), "/")
    name = slug(PurePosixPath(root).name) if root != "." else "web"
    return Program(name or "web", root, command, docker.port or USUAL_PORT, health, origin)


def _applications(files: Mapping[str, str]) -> Iterator[_Found]:
    """Web applications in Python files, the likeliest entrance first."""
    python = sorted((name for name in files if name.endswith(".py")), key=_likelihood)
    for name in python:
        if match := MADE.search(files[name]):
            yield _Found(match[2], _module(name), match[1], name)
    for name in python:
        if PurePosixPath(name).name == "manage.py" and (match := SETTINGS.search(files[name])):
            yield _Found("Django", match[1], "application", name)
    imported = next((match[1] for name in python if (match := IMPORTED.search(files[name]))), None)
    for name in python:
        if imported and (match := FACTORY.search(files[name])):
            framework = next(framework for framework in FRAMEWORKS if framework.lower() == imported)
            yield _Found(framework, _module(name), match[1], name)


def _likelihood(name: str) -> tuple[int, int, str]:
    path = PurePosixPath(name)
    return len(path.parts), ENTRANCES.index(path.stem) if path.stem in ENTRANCES else len(ENTRANCES), name


def _module(name: str) -> str:
    parts = PurePosixPath(name).with_suffix("").parts
    return ".".join(part for part in parts[parts[:1] == ("src",) :] if part != "__init__")


def _command(found: _Found, files: Mapping[str, str]) -> tuple[str, ...]:
    """A command for the framework, with a server that the folder's requirements name where they name one."""
    required = "\n".join(text for name, text in files.items() if PurePosixPath(name).name in MARKERS).lower()
    source = ("--app-dir", "src") if found.file.startswith("src/") else ()
    here = ("--host", "$HOST", "--port", "$PORT")
    target = f"{found.module}:{found.variable}"
    if found.framework == "Django":
        if "uvicorn" in required:
            return ("uvicorn", f"{found.module}.asgi:application", *here)
        if "gunicorn" in required:
            return ("gunicorn", f"{found.module}.wsgi:application", "--bind", "$HOST:$PORT")
        return ("python", found.file, "runserver", "--noreload", "$HOST:$PORT")
    if found.framework == "Flask":
        if "gunicorn" in required:
            return ("gunicorn", target, "--bind", "$HOST:$PORT", *(("--chdir", "src") if source else ()))
        return ("flask", "--app", f"src/{target}" if source else target, "run", *here)
    return ("uvicorn", target, *source, *here)
