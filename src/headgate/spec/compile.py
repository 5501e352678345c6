"""A specification into the model: rules from the file that was applied, services from the commit under release."""

from dataclasses import replace
from typing import Literal

from headgate.model.builds import CiStep, StepContainer
from headgate.model.checks import Check
from headgate.model.conditions import parse
from headgate.model.metrics import MetricRule, ValueQuery
from headgate.model.migrations import Migration
from headgate.model.parity import ParityGate
from headgate.model.rules import (
    AnalysisRules,
    Application,
    ApprovalGate,
    Audience,
    Deadlines,
    Environment,
    Gate,
    SignOffGate,
    SoakGate,
    Strategy,
    Tolerance,
    WebhookGate,
)
from headgate.model.services import PLAIN, Container, Health, Service
from headgate.model.sources import Following
from headgate.spec.checks import check
from headgate.spec.manifest_rules import of_environment as of_environment_manifests
from headgate.spec.manifest_rules import placed
from headgate.spec.people_rules import people_of, persons
from headgate.spec.problems import Path, SpecificationError
from headgate.spec.secret_rules import every, rooted, stores
from headgate.spec.sections.environment import EnvironmentSection
from headgate.spec.sections.gate import ApprovalSection, GateSection
from headgate.spec.sections.metric import MetricSection
from headgate.spec.sections.pipeline import CiContainerSection, CiSection
from headgate.spec.sections.service import ContainerSection, ServiceSection
from headgate.spec.sections.strategy import AudienceSection, StrategySection
from headgate.spec.specification import Specification
from headgate.spec.terraform_rules import infrastructure
from headgate.spec.variables import of_each_service, of_environment, of_service

SUCCEEDED = parse("== 1")  # of a job without conditions


def application(spec: Specification, source: str, file: str) -> Application:
    """Raises SpecificationError where the file asks for what the model has no word for yet: see `missing`."""
    said = spec.content.source
    repository = said.repository or source
    rules = (_environment(spec, name, repository) for name in spec.environments)
    environments = tuple(replace(one, manifests=placed(one.manifests, file)) for one in rules)
    moves = (tuple(said.branches or ()), tuple(said.tags), said.poll)
    following = Following(*moves, said.releases, said.git, said.revert_to)
    registry = spec.content.registry
    return Application(
        spec.application,
        repository,
        file,
        environments,
        following=following,
        ci=_ci(spec.content.pipeline.ci),
        registry=registry.rules() if registry else None,
        notifications=tuple(section.target() for section in spec.content.notifications),
    )


def _ci(sections: list[CiSection]) -> tuple[CiStep, ...]:
    """Without `needs` a step comes after the one above it."""
    above = [(), *((section.name,) for section in sections)]
    return tuple(
        CiStep(
            name=section.name,
            run=section.run,
            needs=before if section.needs is None else tuple(dict.fromkeys(section.needs)),
            timeout=section.timeout,
            image=section.image,
            cache=tuple(section.cache),
            artifacts=tuple(section.artifacts),
            junit=section.junit,
            sarif=section.sarif,
            severity=section.severity,
            container=_bounds(section.container),
        )
        for section, before in zip(sections, above, strict=False)
    )


def _bounds(section: CiContainerSection) -> StepContainer:
    return StepContainer(section.user, section.memory, section.cpus, section.processes)


def services(spec: Specification) -> tuple[Service, ...]:
    return tuple(_service(spec, name, section) for name, section in spec.services.items())


def _service(spec: Specification, name: str, section: ServiceSection) -> Service:
    health = Health(section.health.path, section.health.interval, section.health.timeout)
    return Service(
        name=name,
        command=tuple(section.command or ()),
        port=section.port,
        build=section.folder,
        dockerfile=section.build.dockerfile if section.build else PLAIN,
        image=section.image,
        health=health,
        replicas=section.replicas,
        env=of_service(spec, name),
        container=_container(section.container),
        migrations=tuple(Migration(one.level, one.command, one.kind, one.timeout) for one in section.migrations),
        workload=section.workload or "",
    )


def _container(section: ContainerSection) -> Container:
    return Container(
        read_only=section.read_only,
        tmp=section.tmp,
        capabilities=tuple(dict.fromkeys(section.capabilities)),
        new_privileges=section.new_privileges,
        user=section.user,
        memory=section.memory,
        cpus=section.cpus,
        processes=section.processes,
    )


def _environment(spec: Specification, name: str, repository: str) -> Environment:
    section, path = spec.environments[name], ("environments", name)
    return Environment(
        name=name,
        platform=section.platform.name,
        hosts=section.platform.hosts,
        server=section.platform.server,
        cluster=section.platform.cluster,
        manifests=of_environment_manifests(spec, name),
        traffic=section.traffic.router,
        entrance=section.traffic.entrance,
        metrics=section.metrics.source,
        metric_settings=dict(section.metrics.settings),
        deploy=_deploy(section),
        after=section.after,
        concurrency=section.concurrency,
        branches=tuple(section.branches),
        integrate=section.integrate,
        strategy=_strategy(spec, path, section.strategy),
        checks=tuple(check(one) for one in section.checks),
        gates=tuple(_gate(spec, (*path, "gates", at), gate) for at, gate in enumerate(section.gates)),
        break_glass=people_of(spec, section.break_glass),
        analysis=_analysis(section),
        bake=section.bake,
        contract=section.contract,
        keep_warm=section.keep_warm,
        monitor=section.monitor,
        listen=dict(section.listen),
        replicas=dict(section.replicas),
        env=of_environment(spec, name),
        service_env=of_each_service(spec, name),
        secrets=rooted(stores(spec, name), repository),
        secrets_every=every(spec, name),
        infrastructure=infrastructure(spec, name, repository),
        parity={other: one.rules() for other, one in section.parity.items()},
        deadlines=Deadlines(
            section.deadlines.ready, section.deadlines.weight, section.deadlines.retire, section.deadlines.drain
        ),
        people=persons(spec),
        notifications=tuple(one.target(name) for one in section.notifications),
    )


def _deploy(section: EnvironmentSection) -> Literal["on-build", "on-request", "on-advance"]:
    if section.deploy is not None:
        return section.deploy
    if section.after is not None:
        return "on-advance"
    return "on-build" if section.integrate or "branches" in section.model_fields_set else "on-request"


def _strategy(spec: Specification, path: Path, section: StrategySection) -> Strategy:
    if section.canary:
        sticky = section.canary.sticky is not None
        audience, baseline = _audience(section.canary.audience), section.canary.baseline
        return Strategy("canary", tuple(section.canary.steps), sticky, audience, baseline)
    if section.blue_green:
        if section.blue_green.gate:
            raise _wordless(spec, (*path, "strategy", "blue-green", "gate"))
        return Strategy("blue-green", audience=_audience(section.blue_green.audience))
    return Strategy("all-at-once")


def _audience(section: AudienceSection | None) -> Audience | None:
    return Audience(dict(section.header)) if section else None


def _gate(spec: Specification, path: Path, section: GateSection) -> Gate:
    if section.approval is not None:
        return _approval(spec, section.approval)
    if section.soak is not None:
        return SoakGate(section.soak)
    if section.sign_off is not None:
        return SignOffGate(section.sign_off.from_, section.sign_off.deadline)
    if section.freeze is not None:
        return section.freeze
    if section.webhook is not None:
        hook = section.webhook
        return WebhookGate(hook.url, hook.timeout, hook.every, hook.secret_from, hook.deadline)
    if section.parity is not None:
        return ParityGate(section.parity)
    raise _wordless(spec, (*path, section.kind))


def _approval(spec: Specification, section: ApprovalSection) -> ApprovalGate:
    people = people_of(spec, section.from_)
    proven = bool(spec.content.people) if section.authenticated is None else section.authenticated
    evidence = section.evidence or ""
    return ApprovalGate(people, section.count, section.author_may_approve, section.deadline, proven, evidence)


def _analysis(section: EnvironmentSection) -> AnalysisRules:
    rules, errors, latency = section.analysis, section.analysis.errors, section.analysis.latency
    return AnalysisRules(
        errors=_tolerance(errors.worse_by, errors.tolerated, 5),
        latency=_tolerance(latency.worse_by, latency.tolerated, 3),
        p99=_tolerance(latency.p99_worse_by, latency.tolerated, 3),
        signals=tuple(dict.fromkeys(rules.signals)),
        false_rollback_rate=rules.false_rollback_rate,
        blip=rules.blip,
        unproven=rules.unproven,
        instance_spread=rules.instance_spread,
        minimum_requests=rules.minimum_requests,
        interval=section.interval,
        at_least=rules.at_least,
        deadline=rules.deadline,
        metrics=tuple(_metric(metric, section) for metric in rules.metrics),
    )


def _metric(section: MetricSection, environment: EnvironmentSection) -> MetricRule:
    return MetricRule(
        name=section.name,
        query=_query(section, environment),
        job=Check(section.name, "run", section.job.run, section.job.timeout) if section.job else None,
        success=section.success or (SUCCEEDED if section.job and not section.failure else None),
        failure=section.failure,
        worse_by=section.worse_by,
        interval=section.interval,
        initial_delay=section.initial_delay,
        count=section.count,
        failure_limit=section.failure_limit,
        inconclusive_limit=section.inconclusive_limit,
        consecutive_error_limit=section.consecutive_error_limit,
        dry_run=section.dry_run,
    )


def _query(section: MetricSection, environment: EnvironmentSection) -> ValueQuery | None:
    """Without an address of its own a query goes where the environment's metrics come from, by the same login."""
    if section.web:
        return ValueQuery("web", section.web.json_path, section.web.settings())
    if section.query is None:
        return None
    known = environment.metrics.settings if section.query.url is None else {}
    login: dict[str, str] = {name: known[name] for name in ("url", "token_from", "login_from") if name in known}
    return ValueQuery(section.query.source, section.query.expression, {**login, **section.query.settings()})


def _tolerance(worse_by: float, tolerated: float | None, parts: int) -> Tolerance:
    return Tolerance(worse_by / parts if tolerated is None else tolerated, worse_by)


def _wordless(spec: Specification, path: Path) -> SpecificationError:
    """A rule that would be dropped in silence is refused instead."""
    return SpecificationError([spec.problem(path, "what is built in", "Not built in yet: remove it.", str(path[-1]))])
