"""What outlives a step's checkout: its artifacts, and caches for the next build of the branch."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from headgate.adapters.machine.artifacts import below, copy, keep
from headgate.adapters.machine.folders import checked, private
from headgate.adapters.runners.steps.settings import StepSettings
from headgate.model.builds import Build, StepOrder
from headgate.model.ids import StepRunId


class Kept:
    def __init__(self, settings: StepSettings) -> None:
        self._settings = settings

    def artifacts(self, step: StepRunId) -> Path:
        return (self._settings.artifacts or self._settings.data / "artifacts") / checked("step", step)

    def keep_artifacts(self, order: StepOrder, checkout: Path) -> str:
        """Returns what was left out, in words; nothing where nothing was."""
        most_files, most_bytes = self._settings.artifact_files, self._settings.artifact_bytes
        shutil.rmtree(self.artifacts(order.id), ignore_errors=True)
        return keep(order.step.artifacts, checkout, self.artifacts(order.id), most_files, most_bytes)

    def give_artifacts(self, steps: Sequence[StepRunId], checkout: Path) -> None:
        for step in steps:
            top = self.artifacts(step)
            for path in sorted(top.rglob("*")):
                if path.is_file():
                    copy(path, checkout, path.relative_to(top))

    # --- caches

    def give_cache(self, order: StepOrder, checkout: Path) -> None:
        """Moved, not copied: a second step that wants it at the same time begins without one."""
        for kept, inside in self._caches(order, checkout):
            if kept.is_dir() and not os.path.lexists(inside):
                inside.parent.mkdir(parents=True, exist_ok=True)
                kept.rename(inside)

    def keep_cache(self, order: StepOrder, checkout: Path) -> None:
        for kept, inside in self._caches(order, checkout):
            if inside.is_dir() and not inside.is_symlink() and below(inside, checkout):
                shutil.rmtree(kept, ignore_errors=True)
                private(kept.parent)
                inside.rename(kept)
                os.utime(kept)
        self._prune_caches()

    def _caches(self, order: StepOrder, checkout: Path) -> Iterator[tuple[Path, Path]]:
        for folder in order.step.cache:
            yield self._settings.data / "caches" / _key(order.build, folder), checkout / folder

    def _prune_caches(self) -> None:
        folders = (self._settings.data / "caches").glob("*")
        for old in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[self._settings.caches_kept :]:
            shutil.rmtree(old, ignore_errors=True)


def _key(build: Build, folder: str) -> str:
    """Of the branch alone: what a branch of anyone leaves in a cache does not come into the builds of main."""
    return hashlib.sha256(repr((build.application, build.branch, folder)).encode()).hexdigest()[:24]
