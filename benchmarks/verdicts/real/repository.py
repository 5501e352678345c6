"""The example as a repository whose commits change nothing, or plant a defect and take it back."""

from pathlib import Path

from benchmarks.verdicts.real.defects import Defect
from benchmarks.verdicts.real.file import trial_file

from headgate.cli.demo import example
from headgate.model.rules import AnalysisRules

LAST_OF_ENV = 'QUOTES_TIMEOUT_SECONDS: "3"'  # in the example's headgate.yaml
COMMENTED = Path("services/web/web/app.py")


class Repository(example.Repository):
    def __init__(self, source: Path, folder: Path, application: str, rules: AnalysisRules) -> None:
        super().__init__(source, folder)
        self._text = trial_file((source / example.FILE).read_text(encoding="utf-8"), application, rules)

    @property
    def text(self) -> str:
        return self._text

    def begin(self) -> None:
        super().begin()
        self._write(self._text)
        self.commit(example.Version("trial", "Compressed waits", "the first that serves"))

    def comment(self, label: str) -> None:
        """A release of which nothing but a comment is new."""
        file = self.folder / COMMENTED
        lines = [one for one in file.read_text(encoding="utf-8").splitlines() if not one.startswith("# Release ")]
        file.write_text("\n".join([*lines, f"# Release {label}."]) + "\n", encoding="utf-8")
        self.commit(example.Version(label, f"Say that this is {label}", "the same again"))

    def plant(self, label: str, defect: Defect) -> None:
        set_ = "".join(f", {name}: {value!r}" for name, value in defect.env.items())
        self._write(self._text.replace(LAST_OF_ENV, LAST_OF_ENV + set_.replace("'", '"')))
        self.change(example.Version(label, f"Plant: {defect.name}", "worse", str(defect.patch)))

    def _write(self, text: str) -> None:
        (self.folder / example.FILE).write_text(text, encoding="utf-8")
