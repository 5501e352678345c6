"""The section `terraform` of an environment: into rules, or refused with line and remedy."""

import pytest

from headgate.model.infrastructure import Infrastructure
from headgate.spec.compile import application
from headgate.spec.consistency import contradictions
from headgate.spec.missing import missing
from headgate.spec.problems import SpecificationError
from headgate.spec.read import read

FILE = """\
application: shop
services:
  web: {command: [serve], port: 8000}
environments:
  qa:
    platform: process
"""
PRESENT = {"platforms": {"process"}, "traffic": {"envoy"}, "metrics": {"envoy"}, "checks": {"smoke"}}
INSTALLED = {**PRESENT, "provisioners": {"terraform"}, "gates": {"approval"}}


def infrastructure(section: str) -> Infrastructure | None:
    spec = read(f"{FILE}    terraform: {section}\n", "f.yaml")
    return application(spec, "/srv/shop", "headgate.yaml").environments[0].infrastructure


def refused(lines: str) -> str:
    """Everything that is wrong with it, and with what it asks for."""
    try:
        spec = read(f"{FILE}{lines}", "f.yaml")
    except SpecificationError as error:
        return str(error)
    return "\n".join(map(str, [*contradictions(spec), *missing(spec, INSTALLED)]))


def test_a_folder_below_the_repository_and_every_default() -> None:
    found = infrastructure("{folder: infrastructure/qa}")
    assert found == Infrastructure("terraform", "/srv/shop/infrastructure/qa")
    assert found.origin == "environments.qa.terraform (f.yaml:7)"
    assert found.destroy == "never"


def test_an_absolute_folder_and_every_field() -> None:
    found = infrastructure(
        "{folder: /srv/ground, workspace: qa, var_files: [qa.tfvars], variables: {size: 3}, backend: {key: shop/qa}}"
    )
    assert found is not None
    assert (found.folder, found.workspace, found.var_files) == ("/srv/ground", "qa", ("qa.tfvars",))
    assert (found.variables, found.backend) == ({"size": "3"}, {"key": "shop/qa"})


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("{folder: ../elsewhere}", "the absolute path of a folder on the server"),
        ("{folder: a, variables: {db_password: x}}", "set TF_VAR_db_password where the Headgate server runs"),
        ("{folder: a, backend: {secret_key: x}}", "set the backend's own variables where"),
        ("{folder: a, var_files: [-destroy]}", "a file below the folder of `terraform`"),
        ("{folder: a, workspace: a b}", "the name of a workspace"),
        ("{folder: a, destroy: always}", "never, approved"),
        ("{folder: a, destroy: approved}", "Add `gates: [{approval: {from: [PERSON]}}]` to qa"),
        ("{}", "folder"),
    ],
)
def test_what_is_refused(section: str, told: str) -> None:
    assert told in refused(f"    terraform: {section}\n")


def test_what_may_destroy_has_somebody_who_approves() -> None:
    lines = "    terraform: {folder: a, destroy: approved}\n    gates: [{approval: {from: [bob]}}]\n"
    assert "destroy" not in refused(lines)


def test_an_output_of_no_configuration_names_its_line() -> None:
    assert "f.yaml:7:" in refused("    env: {CACHE: {terraform: endpoint}}\n")
    assert "Add `terraform: {folder: FOLDER}` to qa" in refused("    env: {CACHE: {terraform: endpoint}}\n")
    assert refused("    env: {CACHE: {terraform: endpoint}}\n    terraform: {folder: a}\n") == ""


def test_without_terraform_on_the_server_it_is_refused_when_applied() -> None:
    spec = read(f"{FILE}    terraform: {{folder: a}}\n", "f.yaml")
    [problem] = missing(spec, PRESENT)
    assert "Install Terraform where the Headgate server runs" in str(problem)


def test_a_folder_below_a_repository_that_is_elsewhere_is_refused() -> None:
    remote = "    terraform: {folder: a}\nsource: {repository: 'https://git.example.org/shop.git'}\n"
    assert "write the absolute path of a copy of the folder" in refused(remote)
