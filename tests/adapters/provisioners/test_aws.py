"""The infrastructure of examples/pcw with the real AWS provider, on moto: plan, review, approval, apply, output."""

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
from headgate.engine.infrastructure import Ground
from headgate.engine.reviewing import review
from headgate.model.rules import Environment

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


def rules(shop: Shop) -> Environment:
    assert shop.shop.state.specification is not None
    return shop.shop.state.specification.environments[0]


def parameter(aws: Aws) -> str:
    client = boto3.client("ssm", region_name=REGION, endpoint_url=aws.endpoint)
    return str(client.get_parameter(Name="/pcw/production/quote-cache")["Parameter"]["Value"])


async def test_from_the_plan_by_its_approval_to_the_services_variable(shop: Shop, aws: Aws) -> None:
    await shop.apply(variables="{environment: production}", output="cache_endpoint")
    ground = Ground(shop.world, shop.shop.wheel("production").environment, rules(shop))
    first = await ground.plan()
    assert str(first) == "2 to create, outputs cache_endpoint"
    await ground.apply(first.digest)

    await shop.apply(APPROVED, variables="{environment: production, cache: cache-2}", output="cache_endpoint")
    await shop.deploy()
    await shop.turn_until(lambda: shop.state.planned is not None)
    told = await shop.infrastructure()
    assert "update aws_ssm_parameter.quote_cache (insecure_value" in told
    assert "cache-2" not in told
    shown = await review(shop.shop, "production", shop.clock.now())
    await approving.approve(shop.engine, "shop", "production", "bob", "", shown["set"])
    await shop.turn_until(lambda: shop.state.stable is not None)
    assert parameter(aws) == "cache-2.production.internal:6379"
    assert shop.given() == "cache-1.production.internal:6379"  # it was made before the apply; what changed comes next

    await shop.turn_until(lambda: "cache-1.production.internal:6379 -> cache-2" in shop.waits_for())
    aws.parameters.put_parameter(Name="/pcw/production/quote-cache", Value="by hand", Overwrite=True)
    found = await provisioned_views.drift(shop.shop, "production")
    assert [one["address"] for one in found["drift"]] == ["aws_ssm_parameter.quote_cache"]
    assert parameter(aws) == "by hand"
