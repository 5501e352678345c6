"""Reading a file: text in, a specification out, or every problem that was found."""

from pydantic import ValidationError

from headgate.spec.consistency import contradictions
from headgate.spec.explain import explain
from headgate.spec.problems import SpecificationError
from headgate.spec.sections.file import File
from headgate.spec.specification import Specification
from headgate.spec.syntax import parse
from headgate.spec.tree import Tree


def read(content: str | bytes, filename: str = "headgate.yaml") -> Specification:
    """Raises SpecificationError, and nothing else, for whatever the content is."""
    tree = parse(content, filename)
    specification = Specification(_validated(tree), tree)
    if problems := contradictions(specification):
        raise SpecificationError(problems)
    return specification


def _validated(tree: Tree) -> File:
    try:
        file = File.model_validate(tree.root)
    except ValidationError as error:
        raise SpecificationError([*tree.problems, *explain(error, tree)]) from error
    if tree.problems:
        raise SpecificationError(list(tree.problems))
    return file
