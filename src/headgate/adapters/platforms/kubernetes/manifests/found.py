"""What `manifests: PATH` leads to in a checkout: files, a kustomization or a chart; and whether all of it is there."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from headgate.adapters.platforms.kubernetes.manifests.documents import LARGEST, tree
from headgate.adapters.platforms.kubernetes.manifests.manifest import Refused, shown

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
CHART = "Chart.yaml"
SUFFIXES = {".yaml", ".yml", ".json"}
MOST_FILES = 200
MOST_BYTES = 2 * LARGEST  # of all files of a folder together
BELOW = ("resources", "bases", "components")


@dataclass(frozen=True, slots=True)
class Found:
    form: Literal["plain", "kustomization", "chart"]
    root: Path  # of the checkout
    path: Path
    files: tuple[Path, ...] = ()  # plain ones, in order

    @property
    def named(self) -> str:
        return str(self.path.relative_to(self.root)) or "."


def look(root: Path, wanted: str) -> Found:
    """Raises Refused: nothing there, out of the checkout, too much, or something from elsewhere."""
    root = root.resolve()
    path = inside(root, root / wanted, "manifests", wanted)
    if path.is_file():
        return Found("plain", root, path, (path,))
    if kustomization(path):
        Walk(root).visit(path, f"manifests: {shown(wanted)}")
        return Found("kustomization", root, path)
    if (path / CHART).exists():
        measured(list(_files(root, path)), root)
        return Found("chart", root, path)
    return Found("plain", root, path, _plain(root, path))


def inside(root: Path, path: Path, where: str, written: str) -> Path:
    """A file or folder of the checkout; links are followed first. Raises Refused."""
    try:
        found = path.resolve(strict=True)
    except FileNotFoundError as error:
        remedy = "Write a path below the top of the repository; nothing is fetched from elsewhere."
        raise Refused(f"{where}: there is no {shown(written)} in this commit. {remedy}") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise Refused(f"{where}: {shown(written)} cannot be followed in this commit. Write a plain path.") from error
    if not found.is_relative_to(root):
        raise Refused(f"{where}: {shown(written)} leads out of the commit. Write a path inside the repository.")
    return found


def kustomization(folder: Path) -> Path | None:
    return next((folder / name for name in KUSTOMIZATIONS if (folder / name).is_file()), None)


def measured(files: list[Path], root: Path) -> None:
    sizes = {file: file.stat().st_size for file in files}
    for file, size in sizes.items():
        if size > LARGEST:
            raise Refused(f"{file.relative_to(root)}: found {size:,} bytes; at most {LARGEST:,} are read.")
    if sum(sizes.values()) > MOST_BYTES:
        raise Refused(f"All files together have {sum(sizes.values()):,} bytes; at most {MOST_BYTES:,} are read.")


def _plain(root: Path, folder: Path) -> tuple[Path, ...]:
    every = list(_files(root, folder))
    other = next((one for one in every if one.name in {*KUSTOMIZATIONS, CHART} and not _hidden(one, folder)), None)
    if other is not None:
        name = other.parent.relative_to(root)
        what = "a chart" if other.name == CHART else "a kustomization"
        raise Refused(f"manifests: {name} is {what} in a folder of plain files. Write `manifests: {name}`.")
    files = tuple(one for one in every if one.suffix in SUFFIXES and not _hidden(one, folder))
    if not files:
        name = folder.relative_to(root)
        raise Refused(f"manifests: no .yaml, .yml or .json file, no kustomization and no chart in {name}.")
    measured(list(files), root)
    return files


def _files(root: Path, folder: Path) -> Iterator[Path]:
    """In the order of their names. Hidden ones too, and no link out: Helm reads those, and follows links to folders."""
    count = 0
    for path in sorted(folder.rglob("*")):
        inside(root, path, "manifests", str(path.relative_to(root)))
        if path.is_dir():
            continue
        count += 1
        if count > MOST_FILES:
            raise Refused(f"manifests: more than {MOST_FILES} files in {folder.relative_to(root)}. Is it this folder?")
        yield path


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


class Walk:
    """Through all kustomizations that one leads to: each of them, and each file they name, lies in the checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen: set[Path] = set()

    def visit(self, folder: Path, from_: str) -> None:
        if folder in self.seen:
            return
        self.seen.add(folder)
        if len(self.seen) > MOST_FILES:
            raise Refused(f"{from_}: leads to more than {MOST_FILES} files and folders. Is this the right one?")
        file = kustomization(folder)
        if file is None:
            raise Refused(f"{from_}: {folder.relative_to(self.root)} has no kustomization.yaml. Name its files.")
        inside(self.root, file, from_, file.name)
        name = str(file.relative_to(self.root))
        measured([file], self.root)
        content = tree(file.read_bytes(), name)
        if not isinstance(content, dict):
            raise Refused(f"{name}: found {shown(content)}. A kustomization is a mapping.")
        self.read(content, folder, name)

    def read(self, content: dict[str, Any], folder: Path, name: str) -> None:
        for field in ("helmCharts", "helmChartInflationGenerator"):
            if content.get(field):
                raise Refused(f"{name}, {field}: charts in kustomizations are not rendered. Write `manifests: CHART`.")
        for field in BELOW:
            rows = content.get(field) or []
            if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
                raise Refused(f"{name}, {field}: found {shown(rows)}. Write a list of paths.")
            for at, row in enumerate(rows):
                where = f"{name}, {field}[{at}]"
                self.follow(inside(self.root, folder / row, where, row), where)

    def follow(self, path: Path, where: str) -> None:
        if path.is_dir():
            self.visit(path, where)
        elif path not in self.seen:
            self.seen.add(path)
            measured([path], self.root)
