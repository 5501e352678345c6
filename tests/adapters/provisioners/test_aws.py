"""The infrastructure of examples/pcw with the real AWS provider, on moto: plan, review, approval, apply, output."""

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from tests.aws import REGION, Aws
from tests.conftest import lacking
from tests.engine.test_provisioning import APPROVED, Shop

from headgate.adapters.provisioners.terraform.provisioner import TerraformProvisioner
from headgate.adapters.provisioners.terraform.settings import TerraformSettings
from headgate.engine import approving, provisioned_views
from headgate.engine.reviewing import review

pytestmark = [pytest.mark.real("terraform"), pytest.mark.timeout(300)]
EXAMPLE = Path(__file__).parents[3] / "examples" / "pcw" / "infrastructure"
MIRRORS = (Path("/usr/share/terraform/plugins"), Path("/usr/local/share/terraform/plugins"), *Path("/opt").glob("*"))


def mirror() -> Path:
    """A folder with the provider in it, as `terraform providers mirror` lays it out."""
    for folder in MIRRORS:
        for found in folder.glob("registry.terraform.io/hashicorp/aws/*/*/terraform-provider-aws*"):
            return found.parents[5]
    return lacking("no folder has terraform-provider-aws: `terraform providers mirror /usr/share/terraform/plugins`")


@pytest.fixture
async def shop(tmp_path: Path, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    configuration = tmp_path / "terraform.rc"
    where = f'filesystem_mirror {{ path = "{mirror()}" }}'
    configuration.write_text(f"disable_checkpoint = true\nprovider_installation {{\n  {where}\n}}\n")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("AWS_REGION", REGION)
    shutil.copytree(EXAMPLE, tmp_path / "infrastructure")
    one = Shop(tmp_path / "releases")
    real = TerraformProvisioner(TerraformSettings(data=tmp_path / "data"))
    one.world = replace(one.world, provisioners={"terraform": real})
    one.repository = str(tmp_path)
    one.start()
    yield one
    for wheel in one.shop.wheels.values():
        wheel.close()
    one.shop.configuring.close()


def parameter(aws: Aws) -> str:
    client = boto3.client("ssm", region_name=REGION, endpoint_url=aws.endpoint)
    return str(client.get_parameter(Name="/pcw/production/quote-cache")["Parameter"]["Value"])


def left_from_before(folder: Path, output: str) -> None:
    """A state with an output and nothing else: a first apply would start the provider five times more."""
    outputs = {"cache_endpoint": {"value": output, "type": "string"}}
    state = {"version": 4, "terraform_version": "1.1.0", "serial": 1, "lineage": "before", "outputs": outputs}
    (folder / "terraform.tfstate").write_text(json.dumps({**state, "resources": []}))


async def test_from_the_plan_by_its_approval_to_the_services_variable(shop: Shop, aws: Aws) -> None:
    left_from_before(Path(shop.repository) / "infrastructure", "cache-0.production.internal:6379")
    await shop.apply(APPROVED, variables="{environment: production}", output="cache_endpoint")
    await shop.deploy()
    await shop.turn_until(lambda: shop.state.planned is not None)
    told = await shop.infrastructure()
    assert "create aws_ssm_parameter.quote_cache" in told
    assert "2 to create, outputs cache_endpoint" in told
    assert "cache-1" not in told
    shown = await review(shop.shop, "production", shop.clock.now())
    await approving.approve(shop.engine, "shop", "production", "bob", "", shown["set"])
    await shop.turn_until(lambda: shop.state.stable is not None)
    assert parameter(aws) == "cache-1.production.internal:6379"
    assert shop.given() == "cache-0.production.internal:6379"  # it was made before the apply; what changed comes next

    await shop.turn_until(lambda: "cache-0.production.internal:6379 -> cache-1" in shop.waits_for())
    aws.parameters.put_parameter(Name="/pcw/production/quote-cache", Value="by hand", Overwrite=True)
    found = await provisioned_views.drift(shop.shop, "production")
    told = next(one["told"] for one in found["drift"] if one["address"] == "aws_ssm_parameter.quote_cache")
    assert "insecure_value" in told
    assert "by hand" not in str(found)
    assert parameter(aws) == "by hand"
