"""Provisioner `terraform` with the real command line, on Terraform's own resource, which needs no provider."""

import asyncio
import os
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from headgate.adapters.provisioners.terraform.command import diagnostics, refusal
from headgate.adapters.provisioners.terraform.plans import drift, plan
from headgate.adapters.provisioners.terraform.provisioner import TerraformProvisioner
from headgate.adapters.provisioners.terraform.settings import TerraformSettings
from headgate.model.ids import environment_id
from headgate.model.infrastructure import Infrastructure
from headgate.ports import AdapterError, Away, Unusable
from headgate.testing.contracts.provisioners import HERE, HUSHED, ProvisionerContract, applied

pytestmark = pytest.mark.real("terraform")
ELSEWHERE = environment_id("shop", "staging")


class TerraformSite:
    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder / "infrastructure"
        self.folder.mkdir()
        self.data = folder / "data"
        self.provisioner = TerraformProvisioner(TerraformSettings(data=self.data, **settings))  # type: ignore[arg-type]
        self.made_from = Infrastructure("terraform", str(self.folder))
        self.nowhere = Infrastructure("terraform", str(folder / "nowhere"))

    def declare(self, sensitive: bool = False, **outputs: str) -> None:
        self.write("".join(_block(name, value, sensitive) for name, value in outputs.items()))

    def write(self, text: str) -> None:
        (self.folder / "main.tf").write_text(text)


def _block(name: str, value: str, sensitive: bool) -> str:
    given = f'sensitive("{value}")' if sensitive else f'"{value}"'
    resource = f'resource "terraform_data" "{name}" {{ input = {given} }}\n'
    marked = f"value = terraform_data.{name}.output\nsensitive = {str(sensitive).lower()}"
    return f'{resource}output "{name}" {{\n{marked}\n}}\n'


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TerraformSite:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", os.devnull)
    return TerraformSite(tmp_path)


class TestTerraform(ProvisionerContract):
    @pytest.fixture
    def site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TerraformSite:
        monkeypatch.setenv("TF_CLI_CONFIG_FILE", os.devnull)
        return TerraformSite(tmp_path)


async def test_what_cannot_be_changed_in_place_is_replaced_with_its_reason(site: TerraformSite) -> None:
    site.write('resource "terraform_data" "a" { triggers_replace = "1" }')
    await applied(site)
    site.write('resource "terraform_data" "a" { triggers_replace = "2" }')
    found = await site.provisioner.plan(HERE, site.made_from)
    [one] = found.harmful
    assert str(one) == "REPLACE terraform_data.a: triggers_replace cannot be changed in place"
    assert str(found) == "1 to REPLACE"


async def test_variables_files_and_workspaces_make_each_environment_its_own(site: TerraformSite) -> None:
    site.write('variable "size" {}\nvariable "tier" {}\noutput "both" { value = "${var.size} ${var.tier}" }')
    (site.folder / "production.tfvars").write_text('size = "large"')
    here = replace(site.made_from, workspace="production", var_files=("production.tfvars",), variables={"tier": "gold"})
    there = replace(site.made_from, workspace="staging", variables={"size": "small", "tier": "tin"})
    for environment, made_from in ((HERE, here), (ELSEWHERE, there)):
        shown = await site.provisioner.plan(environment, made_from)
        await site.provisioner.apply(environment, made_from, shown.digest)
    assert (await site.provisioner.outputs(HERE, here))["both"].value == "large gold"
    assert (await site.provisioner.outputs(ELSEWHERE, there))["both"].value == "small tin"


async def test_where_the_state_is_may_be_left_to_the_file(site: TerraformSite, tmp_path: Path) -> None:
    site.write('terraform {\n  backend "local" {}\n}\noutput "a" { value = "b" }')
    state = tmp_path / "states" / "${x}.tfstate"
    made_from = replace(site.made_from, backend={"path": str(state)})
    shown = await site.provisioner.plan(HERE, made_from)
    await site.provisioner.apply(HERE, made_from, shown.digest)
    assert state.exists()


async def test_values_that_are_no_text_are_json(site: TerraformSite) -> None:
    site.write('output "ports" { value = [80, 443] }\noutput "on" { value = true }')
    await applied(site)
    found = await site.provisioner.outputs(HERE, site.made_from)
    assert (found["ports"].value, found["on"].value) == ("[80, 443]", "true")


async def test_no_plan_is_left_and_all_that_is_kept_is_for_the_server_alone(site: TerraformSite) -> None:
    site.declare(sensitive=True, password=HUSHED)
    await applied(site)
    kept = [path for path in site.data.rglob("*") if path.is_file()]
    assert kept
    assert all(HUSHED.encode() not in path.read_bytes() for path in kept)
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in (site.data, *kept))


async def test_an_error_is_in_terraforms_words_with_its_place(site: TerraformSite) -> None:
    site.write('output "a" {\n  value = var.nobody\n}')
    with pytest.raises(Unusable, match=r"main\.tf:2: .*undeclared input variable"):
        await site.provisioner.plan(HERE, site.made_from)


async def test_a_variable_that_nothing_gives_is_no_prompt(site: TerraformSite) -> None:
    site.write('variable "size" {}\noutput "a" { value = var.size }')
    with pytest.raises(Unusable, match="No value for required variable"):
        await site.provisioner.plan(HERE, site.made_from)


async def test_an_apply_that_fails_says_which_resource_and_why(site: TerraformSite) -> None:
    site.write('resource "terraform_data" "a" {\n  provisioner "local-exec" { command = "echo sorry >&2; exit 3" }\n}')
    with pytest.raises(Unusable, match=r"main\.tf:2: terraform_data\.a: local-exec provisioner error.*exit status 3"):
        await applied(site)


async def test_one_that_takes_too_long_is_interrupted_and_gives_back_its_lock(site: TerraformSite) -> None:
    site.write('resource "terraform_data" "a" {\n  provisioner "local-exec" { command = "sleep 20" }\n}')
    hasty = replace(site.made_from, timeout=timedelta(seconds=0.5))
    shown = await site.provisioner.plan(HERE, hasty)
    with pytest.raises(Away, match="took longer than 0 s"):
        await site.provisioner.apply(HERE, hasty, shown.digest)
    assert not (site.folder / ".terraform.tfstate.lock.info").exists()
    assert [one.action for one in (await site.provisioner.plan(HERE, site.made_from)).changes] == ["replace"]


async def test_a_state_that_somebody_else_works_on_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", os.devnull)
    site = TerraformSite(tmp_path, lock=timedelta(0))
    working = 'command = "touch working; while [ -e working ]; do sleep 0.05; done"'
    site.write(f'resource "terraform_data" "a" {{\n  provisioner "local-exec" {{ {working} }}\n}}')
    busy = asyncio.create_task(applied(site))
    while not (site.folder / "working").exists() and not busy.done():
        await asyncio.sleep(0.02)
    with pytest.raises(Away, match="lock"):
        await site.provisioner.plan(HERE, site.made_from)
    (site.folder / "working").unlink()
    await busy


async def test_what_the_server_was_started_with_does_not_reach_another_state(
    site: TerraformSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_WORKSPACE", "other")
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-destroy")
    site.declare(endpoint="one")
    await applied(site)
    assert (site.folder / "terraform.tfstate").exists()
    assert (await site.provisioner.plan(HERE, site.made_from)).empty


async def test_without_terraform_it_is_said_what_to_do(tmp_path: Path) -> None:
    site = TerraformSite(tmp_path, program="terraform-that-is-not-there")
    site.declare(endpoint="one")
    with pytest.raises(AdapterError, match="install Terraform where the Headgate server runs"):
        await site.provisioner.outputs(HERE, site.made_from)


def test_what_others_changed_is_drift_with_names_and_no_values() -> None:
    change = {"actions": ["update"], "before": {"v": "a", "n": "x"}, "after": {"v": "b", "n": "x"}}
    [one] = drift({"resource_drift": [{"address": "aws_alarm.a", "type": "aws_alarm", "change": change}]})
    assert str(one) == "update aws_alarm.a (v)"


def test_an_action_of_a_later_terraform_is_the_loudest() -> None:
    change = {"actions": ["transmogrify"], "before": {}, "after": {}}
    found = plan({"resource_changes": [{"address": "a.b", "type": "a", "change": change}]}, b"key")
    assert [one.action for one in found.harmful] == ["replace"]


def test_words_that_are_no_json_are_told_as_they_are() -> None:
    assert diagnostics("nothing\n{}\n[1]") == []
    assert str(refusal("terraform output in x", "", "╷\n│ Error: no such state\n╵\n")) == (
        "terraform output in x: Error: no such state"
    )
