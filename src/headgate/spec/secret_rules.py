"""Which stores an environment has, and what values may ask of them."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches

from headgate.model.secrets import EVERY, SecretRules
from headgate.model.services import Value
from headgate.spec.problems import Path, Problem
from headgate.spec.sections.secrets import SecretsSection
from headgate.spec.specification import Specification
from headgate.spec.variables import counting

RELATIVE = {"age": "file"}  # settings that may be paths below the repository


def stores(spec: Specification, environment: str) -> dict[str, SecretRules]:
    """The file's, and the environment's own, which win store by store."""
    above, own = spec.content.secrets, spec.environments[environment].secrets
    return {**(above.rules() if above else {}), **(own.rules() if own else {})}


def every(spec: Specification, environment: str) -> timedelta:
    """Between two looks at versions: the environment's own, or the file's."""
    written = (one.every for one in (spec.environments[environment].secrets, spec.content.secrets) if one)
    return next((span for span in written if span), EVERY)


def rooted(rules: Mapping[str, SecretRules], repository: str) -> dict[str, SecretRules]:
    """Paths below the repository as the server finds them, where the repository is a folder of it."""
    return {name: _rooted(store, repository) for name, store in rules.items()}


def _rooted(store: SecretRules, repository: str) -> SecretRules:
    field = RELATIVE.get(store.kind)
    path = store.settings.get(field, "/") if field else "/"
    if field is None or path.startswith("/") or not repository.startswith("/"):
        return store
    return SecretRules(store.kind, {**store.settings, field: f"{repository.rstrip('/')}/{path}"})


def named_stores(spec: Specification) -> Iterator[Problem]:
    """A value's store is one that every environment has where it counts; without a name there is no choice."""
    seen: set[Path] = set()
    for environment in spec.environments:
        known = list(stores(spec, environment))
        for path, value in counting(spec, environment, "secret"):
            if path in seen or not known:  # none at all: see `missing`
                continue
            if value.store and value.store not in known:
                close = get_close_matches(value.store, known, 1)
                remedy = f"Did you mean {close[0]}?" if close else f"Write it below `secrets` of {environment}."
                yield spec.problem((*path, "store"), f"a store of {environment}: {', '.join(known)}", remedy)
            elif not value.store and len(known) > 1:
                remedy = f"Add `store: {known[0]}`, or the one that it is in."
                yield spec.problem(path, f"a secret with its store, of {', '.join(known)}", remedy, value.text)
            else:
                continue
            seen.add(path)


def without_store(spec: Specification) -> Iterator[tuple[str, Path, Value]]:
    """Secrets of environments that have no store at all."""
    for environment in spec.environments:
        if not stores(spec, environment):
            yield from ((environment, path, value) for path, value in counting(spec, environment, "secret"))


def written_stores(spec: Specification) -> Iterator[tuple[Path, str]]:
    """Where each store stands, and its kind."""
    for path, _, kind in _written(spec):
        yield path, kind


def unrooted(spec: Specification) -> Iterator[tuple[Path, str]]:
    """Files that lie below the repository."""
    for path, section, kind in _written(spec):
        field = RELATIVE.get(kind)
        file = section.rules()[kind].settings[field] if field else "/"
        if field and not file.startswith("/"):
            yield (*path, kind, field), file


def _written(spec: Specification) -> Iterator[tuple[Path, SecretsSection, str]]:
    sections: list[tuple[Path, SecretsSection | None]] = [(("secrets",), spec.content.secrets)]
    sections += [(("environments", name, "secrets"), one.secrets) for name, one in spec.environments.items()]
    for path, section in sections:
        if section is not None:
            yield from ((path, section, kind) for kind in section.rules())
