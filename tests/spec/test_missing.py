"""Applying a file names what it asks for that is not there, each with its line. What is there is an argument."""

import pytest
from tests.spec.files import PRESENT, SAMPLE, SMALL, production

from headgate.spec.missing import missing
from headgate.spec.read import read


def told(content: str, **more: set[str]) -> list[str]:
    return [str(problem) for problem in missing(read(content, "f.yaml"), {**PRESENT, **more})]


def test_a_file_that_asks_for_what_is_there() -> None:
    assert told(SMALL) == []


LATER = """\
f.yaml:11:7: pipeline.ci: found a list; allowed: no CI steps: nothing here runs them yet. \
Remove them, and run them where you run them today.
f.yaml:13:26: environments.devint.platform: found docker; allowed: process. \
Use one of these, or install the adapter docker for platforms.
f.yaml:14:26: environments.qa.platform: found docker; allowed: process. \
Use one of these, or install the adapter docker for platforms.
f.yaml:16:15: environments.staging.platform: found kubernetes; allowed: process. \
Use one of these, or install the adapter kubernetes for platforms.
f.yaml:19:71: environments.staging.checks[1].load: found a check of kind load; allowed: run, smoke. \
Checks of kind load are not built in yet: remove it, or use another kind.
f.yaml:21:15: environments.production.platform: found kubernetes; allowed: process. \
Use one of these, or install the adapter kubernetes for platforms.
f.yaml:23:58: environments.production.gates[0].approval.count: found 2; allowed: at most 1, the number of people \
named. Not a group of this file: release-managers. Add `groups: {NAME: [PERSON, ...]}`, or lower the count.
f.yaml:23:99: environments.production.gates[1].freeze: found a gate of kind freeze; allowed: approval, soak. \
Gates of kind freeze are not built in yet: remove it, or use another kind.
f.yaml:27:34: environments.production.env.DATABASE_URL.secret: found secret pcw/production/database-url; \
allowed: a plain value. No secret store is built in yet: install one, or write the value if it is no secret.
f.yaml:27:89: environments.production.env.QUOTE_CACHE.terraform: found terraform cache_endpoint; \
allowed: a plain value. Install Terraform where the Headgate server runs, or write the value.
"""


def test_the_designs_sample_names_everything_that_arrives_later() -> None:
    assert told(SAMPLE) == LATER.splitlines()


REGISTRY = "registry: {docker: {url: http://127.0.0.1:5000}}\n"


def test_a_platform_that_runs_images_needs_a_registry() -> None:
    assert told(SMALL + REGISTRY, images={"process"}, registries={"docker"}) == []
    (problem,) = told(SMALL, images={"process"}, registries={"docker"})
    assert problem == (
        "f.yaml:5:26: environments.production.platform: found process; allowed: a platform that runs folders, or a "
        "registry. Platform process runs images: add `registry: {docker: {url: ADDRESS}}`."
    )


def test_a_registry_that_is_not_there_is_named() -> None:
    (problem,) = told(SMALL + "registry: {ecr: {region: eu-west-1}}\n", registries={"docker"})
    assert problem == (
        "f.yaml:6:17: registry.ecr: found ecr; allowed: docker. Use one of these, or install the adapter ecr for "
        "registries."
    )


def test_with_every_adapter_and_the_group_nothing_is_missing() -> None:
    everything = {
        "platforms": {"docker", "kubernetes"},
        "images": {"docker", "kubernetes"},
        "ci": {"run"},
        "checks": {"smoke", "run", "load"},
        "gates": {"approval", "freeze"},
        "secrets": {"vault"},
        "provisioners": {"terraform"},
        "registries": {"docker"},
    }
    vault = "secrets: {vault: {url: 'https://vault.example.org', token_from: VAULT_TOKEN}}\n"
    sample = f"{SAMPLE}    terraform: {{folder: infrastructure}}\n"
    assert told(f"{sample}groups: {{release-managers: [alice, bob]}}\n{vault}{REGISTRY}", **everything) == []


@pytest.mark.parametrize(
    ("fields", "place", "found", "allowed"),
    [
        ("traffic: alb", "traffic", "alb", "envoy"),
        ("metrics: cloudwatch", "metrics", "cloudwatch", "envoy"),
        ("gates: [{webhook: {url: 'https://a.b'}}]", "gates[0].webhook", "a gate of kind webhook", "approval, soak"),
        (
            "strategy: {blue-green: {gate: {approval: {}}}}",
            "strategy.blue-green.gate",
            "a gate before the switch",
            "blue-green without a gate of its own",
        ),
    ],
    ids=["traffic", "metrics", "webhook", "blue-green gate"],
)
def test_each_kind(fields: str, place: str, found: str, allowed: str) -> None:
    (problem,) = missing(read(production(fields)), PRESENT)
    assert (problem.field, problem.found) == (f"environments.production.{place}", found)
    assert problem.allowed == allowed


def test_a_platform_that_runs_no_images_needs_a_command_and_no_image() -> None:
    content = SMALL.replace('command: [serve, "$PORT"], ', "") + "  # end\n"
    content = content.replace("services:\n", "services:\n  api: {image: api, port: 1}\n")
    assert [problem.partition(" allowed: ")[0] for problem in told(content)] == [
        "f.yaml:3:16: services.api.image: found api;",
        "f.yaml:4:8: services.web.command: found nothing;",
    ]
    assert told(content + REGISTRY, images={"process"}, registries={"docker"}) == []


def test_nothing_installed_is_said_so() -> None:
    (problem,) = missing(read(SMALL), {**PRESENT, "traffic": set()})
    assert problem.allowed == "none: nothing of this kind is installed"


def test_a_secret_in_a_file_needs_a_platform_that_hands_files_over() -> None:
    text = production("env: {A: {secret: shop/a, as: file}}, secrets: {kubernetes: {}}")
    able = {"secrets": {"kubernetes"}, "secret files": {"process"}}
    assert told(text, **able) == []
    (problem,) = told(text, secrets={"kubernetes"})
    assert "Platform process hands secrets over in variables alone: remove `as: file`." in problem
