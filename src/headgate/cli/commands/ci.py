"""headgate ci: write the workflow file of another CI."""

import os
from pathlib import Path

from headgate.cli.commands.apply import source_of
from headgate.cli.failure import USAGE, Failure
from headgate.cli.file import content_of, refused
from headgate.cli.output import print_json, say


def ci(system: str, file: str = "headgate.yaml", only_print: bool = False, as_json: bool = False) -> None:
    from headgate.spec.problems import SpecificationError
    from headgate.spec.read import read
    from headgate.spec.workflows import codepipeline, github, gitlab

    known = {
        "github": (github.PATH, github.github),
        "gitlab": (gitlab.PATH, gitlab.gitlab),
        "codepipeline": (codepipeline.PATH, codepipeline.codepipeline),
    }
    if system not in known:
        raise Failure(f"there is no workflow for {system!r}", "SYSTEM", f"Write one of: {', '.join(known)}.", USAGE)
    top = Path(source_of(file))
    try:
        specification = read(content_of(file), file)
    except SpecificationError as error:
        raise refused(error, file) from error
    name, compose = known[system]
    text = compose(specification, Path(os.path.realpath(file)).relative_to(top).as_posix())
    if only_print:
        print(text, end="")
        return
    _write(top / name, text)
    print_json({"file": str(top / name)}) if as_json else say(
        f"{top / name} is written; its first lines say what it needs"
    )


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        remedy = "It is left as it is; `headgate ci SYSTEM --print` shows what would be written."
        raise Failure("there is a file already", str(path), remedy) from error
    except OSError as error:
        raise Failure(f"the file cannot be written: {error.strerror}", str(path), "Mend that and repeat.") from error
