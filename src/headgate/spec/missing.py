"""What a file asks for that is not there: adapters and features, each with its line. Which are there is an argument."""

from collections.abc import Collection, Iterator, Mapping

from headgate.spec.consistency import approval_sections
from headgate.spec.manifest_rules import manifests
from headgate.spec.people_rules import people_of
from headgate.spec.problems import Path, Problem
from headgate.spec.routing import unrouted
from headgate.spec.secret_rules import unrooted, without_store, written_stores
from headgate.spec.specification import Specification
from headgate.spec.terraform_rules import outputs
from headgate.spec.terraform_rules import unrooted as unrooted_folders
from headgate.spec.variables import all_variables

# Kind -> names. By adapter folder: platforms, traffic, metrics, values, registries, secrets, notifiers, provisioners.
# By feature: images (platforms that run images), secret files (platforms that hand secrets over in files), checks
# (smoke, http, run, load, browser), gates (approval, soak, sign_off, freeze, webhook, parity), strategies
# (blue-green.gate), ci (run, image).
Present = Mapping[str, Collection[str]]


def missing(spec: Specification, adapters: Present) -> list[Problem]:
    first = (named_adapters, images, manifests, registry, ci, checks, gates, strategies, value_sources, approvers)
    rules = (*first, values, infrastructure, secrets, secret_files, notified, unrouted)
    found = [problem for rule in rules for problem in rule(spec, adapters)]
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def named_adapters(spec: Specification, present: Present) -> Iterator[Problem]:
    kinds = {"platform": "platforms", "traffic": "traffic", "metrics": "metrics"}
    for name, environment in spec.environments.items():
        named = (environment.platform.name, environment.traffic.router, environment.metrics.source)
        for (field, kind), wanted in zip(kinds.items(), named, strict=True):
            if wanted not in present.get(kind, ()):
                remedy = f"Use one of these, or install the adapter {wanted} for {kind}."
                yield spec.problem(("environments", name, field), _listed(present, kind), remedy, wanted)


def images(spec: Specification, present: Present) -> Iterator[Problem]:
    """A platform that runs no images needs a folder to run in, and a command to run."""
    bare = [e.platform.name for e in spec.environments.values() if e.platform.name not in present.get("images", ())]
    bare = [platform for platform in bare if platform in present.get("platforms", ())]
    if not bare:
        return
    for name, service in spec.services.items():
        path: Path = ("services", name)
        if service.image is not None:
            remedy = f"Platform {bare[0]} runs no images: write `build: FOLDER`, or use another platform."
            yield spec.problem((*path, "image"), "build", remedy)
        elif service.command is None:
            remedy = f"Platform {bare[0]} runs no images: add `command: [PROGRAM, ARGUMENT]`."
            yield spec.problem((*path, "command"), "command, the program and its arguments", remedy, "nothing")


def registry(spec: Specification, present: Present) -> Iterator[Problem]:
    """Images are deployed by digest, and a digest is what a registry says of them."""
    section = spec.content.registry
    if section and section.kind not in present.get("registries", ()):
        remedy = f"Use one of these, or install the adapter {section.kind} for registries."
        yield spec.problem(("registry", section.kind), _listed(present, "registries"), remedy, section.kind)
    for name, environment in spec.environments.items():
        if section is None and environment.platform.name in present.get("images", ()):
            remedy = f"Platform {environment.platform.name} runs images: add `registry: {{docker: {{url: ADDRESS}}}}`."
            path = ("environments", name, "platform")
            yield spec.problem(path, "a platform that runs folders, or a registry", remedy, environment.platform.name)


def ci(spec: Specification, present: Present) -> Iterator[Problem]:
    if spec.content.pipeline.ci and not present.get("ci"):
        allowed = "no CI steps: nothing here runs them yet"
        yield spec.problem(("pipeline", "ci"), allowed, "Remove them, and run them where you run them today.")
        return
    for position, step in enumerate(spec.content.pipeline.ci):
        if step.image is not None and "image" not in present.get("ci", ()):
            remedy = f"Nothing here runs steps in containers: without it, step {step.name} runs on the host."
            yield spec.problem(("pipeline", "ci", position, "image"), "steps without image", remedy)


def checks(spec: Specification, present: Present) -> Iterator[Problem]:
    for name, environment in spec.environments.items():
        for position, check in enumerate(environment.checks):
            if check.kind not in present.get("checks", ()):
                path = ("environments", name, "checks", position, check.kind)
                remedy = f"Checks of kind {check.kind} are not built in yet: remove it, or use another kind."
                yield spec.problem(path, _listed(present, "checks"), remedy, f"a check of kind {check.kind}")


def gates(spec: Specification, present: Present) -> Iterator[Problem]:
    for name, environment in spec.environments.items():
        for position, gate in enumerate(environment.gates):
            if gate.kind not in present.get("gates", ()):
                path = ("environments", name, "gates", position, gate.kind)
                remedy = f"Gates of kind {gate.kind} are not built in yet: remove it, or use another kind."
                yield spec.problem(path, _listed(present, "gates"), remedy, f"a gate of kind {gate.kind}")


def strategies(spec: Specification, present: Present) -> Iterator[Problem]:
    for name, environment in spec.environments.items():
        blue_green = environment.strategy.blue_green
        if blue_green and blue_green.gate and "blue-green.gate" not in present.get("strategies", ()):
            path = ("environments", name, "strategy", "blue-green", "gate")
            remedy = "A gate before the switch is not built in yet: move it to `gates` of the environment."
            yield spec.problem(path, "blue-green without a gate of its own", remedy, "a gate before the switch")


def values(spec: Specification, present: Present) -> Iterator[Problem]:
    remedies = {
        "secret": ("secrets", "No secret store is built in yet: install one, or write the value if it is no secret."),
        "terraform": ("provisioners", "Install Terraform where the Headgate server runs, or write the value."),
    }
    for path, env in all_variables(spec):
        for variable, value in env.items():
            kind, remedy = remedies.get(value.kind, ("", ""))
            if kind and not present.get(kind):
                place = (*path, variable, value.kind)
                yield spec.problem(place, "a plain value", remedy, f"{value.kind} {value.text}")


def secrets(spec: Specification, present: Present) -> Iterator[Problem]:
    """Stores that are not installed, secrets without a store, and files that no folder of the server holds."""
    known = present.get("secrets", ())
    for path, kind in written_stores(spec):
        if kind not in known:
            remedy = f"Use one of these, or install the adapter {kind} for secrets."
            yield spec.problem((*path, kind), _listed(present, "secrets"), remedy, kind)
    for environment, path, value in without_store(spec) if known else ():
        remedy = f"Add `secrets: {{STORE: ...}}` to the file or to {environment}; `headgate spec` shows every store."
        yield spec.problem(path, f"a secret that a store of {environment} holds", remedy, f"secret {value.text}")
    repository = spec.content.source.repository or "/"
    for path, file in unrooted(spec) if not repository.startswith("/") else ():
        remedy = "The repository is no folder of the server: write the absolute path of a copy of the file there."
        yield spec.problem(path, "an absolute path", remedy, file)


def infrastructure(spec: Specification, present: Present) -> Iterator[Problem]:
    """A provisioner that is not installed, values that are no output of anything, and folders of no server."""
    known = present.get("provisioners", ())
    written = [name for name, environment in spec.environments.items() if environment.terraform]
    for name in written if "terraform" not in known else ():
        remedy = "Install Terraform where the Headgate server runs, and have it on its PATH."
        yield spec.problem(("environments", name, "terraform"), _listed(present, "provisioners"), remedy, "terraform")
    yield from outputs(spec) if known else ()
    repository = spec.content.source.repository or "/"
    for path, folder in unrooted_folders(spec) if not repository.startswith("/") else ():
        remedy = "The repository is no folder of the server: write the absolute path of a copy of the folder there."
        yield spec.problem(path, "an absolute path", remedy, folder)


def secret_files(spec: Specification, present: Present) -> Iterator[Problem]:
    """What a secret is handed over in is the platform's to say; what all environments have, each of them must take."""
    able = present.get("secret files", ())
    for path, env in all_variables(spec):
        where = [str(path[1])] if path[0] == "environments" else list(spec.environments)
        platforms = [spec.environments[name].platform.name for name in where]
        unable = next((one for one in platforms if one not in able and one in present.get("platforms", ())), None)
        for variable in (name for name, value in env.items() if value.as_file and unable):
            remedy = f"Platform {unable} hands secrets over in variables alone: remove `as: file`."
            yield spec.problem((*path, variable, "as"), "variable", remedy, "file")


def value_sources(spec: Specification, present: Present) -> Iterator[Problem]:
    """What a metric of the file is read from: a source that gives single numbers, or a command."""
    for name, environment in spec.environments.items():
        for position, metric in enumerate(environment.analysis.metrics):
            path: Path = ("environments", name, "analysis", "metrics", position)
            known = set(present.get("values", ()))
            if metric.query and metric.query.source not in known - {"web"}:
                allowed = ", ".join(sorted(known - {"web"})) or "none: no source of single numbers is installed"
                remedy = "Use one of these, or `web` or `job` instead of `query`."
                yield spec.problem((*path, "query", "source"), allowed, remedy, metric.query.source)
            if metric.web and "web" not in known:
                yield spec.problem((*path, "web"), "query or job", "Install the adapter web for values.", "web")
            if metric.job and "run" not in present.get("checks", ()):
                yield spec.problem((*path, "job"), "query or web", "Nothing here runs commands.", "a job")


def approvers(spec: Specification, present: Present) -> Iterator[Problem]:
    """A gate that too few people can open never opens. A name that no group of the file has counts as one person."""
    for path, approval in approval_sections(spec):
        groups = spec.content.groups
        people = people_of(spec, approval.from_)
        if approval.from_ and len(people) < approval.count:
            unknown = ", ".join(name for name in approval.from_ if name not in groups)
            remedy = f"Not a group of this file: {unknown}. Add `groups: {{NAME: [PERSON, ...]}}`, or lower the count."
            yield spec.problem((*path, "count"), f"at most {len(people)}, the number of people named", remedy)


def notified(spec: Specification, present: Present) -> Iterator[Problem]:
    below = [(("environments", name, "notifications"), one.notifications) for name, one in spec.environments.items()]
    for above, sections in [(("notifications",), spec.content.notifications), *below]:
        for position, section in enumerate(sections):
            if section.kind not in present.get("notifiers", ()):
                remedy = f"Use one of these, or install it: `pip install 'headgate[{section.kind}]'`."
                path: Path = (*above, position, section.kind)
                yield spec.problem(path, _listed(present, "notifiers"), remedy, section.kind)


def _listed(present: Present, kind: str) -> str:
    return ", ".join(sorted(present.get(kind, ()))) or "none: nothing of this kind is installed"
