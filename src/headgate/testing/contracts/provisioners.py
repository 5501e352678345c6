"""What every provisioner must hold. Subclass, and give a fixture `site`: one, and what it makes things from."""

from typing import Protocol

import pytest

from headgate.model.ids import environment_id
from headgate.model.infrastructure import Infrastructure
from headgate.ports import AdapterError, Provisioner, Unusable

HERE = environment_id("shop", "production")
HUSHED = "hush-hush-9c1f"  # what a sensitive output holds


class Site(Protocol):
    provisioner: Provisioner
    made_from: Infrastructure
    nowhere: Infrastructure  # it is made from nothing that is there

    def declare(self, sensitive: bool = False, **outputs: str) -> None:
        """From now on one resource for each output is wanted, which gives it its value; and no others."""
        ...


async def applied(site: Site) -> str:
    plan = await site.provisioner.plan(HERE, site.made_from)
    await site.provisioner.apply(HERE, site.made_from, plan.digest)
    return plan.digest


class ProvisionerContract:
    @pytest.fixture
    def site(self) -> Site:
        raise NotImplementedError("give a fixture `site`: a provisioner, and what it makes things from")

    async def test_a_plan_says_what_would_be_made_and_makes_nothing(self, site: Site) -> None:
        site.declare(endpoint="one", name="two")
        plan = await site.provisioner.plan(HERE, site.made_from)
        assert [one.action for one in plan.changes] == ["create", "create"]
        assert plan.outputs == ("endpoint", "name")
        assert await site.provisioner.outputs(HERE, site.made_from) == {}
        assert await site.provisioner.resources(HERE, site.made_from) == ()

    async def test_the_same_plan_has_the_same_digest_and_another_value_another(self, site: Site) -> None:
        site.declare(endpoint="one")
        first = await site.provisioner.plan(HERE, site.made_from)
        assert await site.provisioner.plan(HERE, site.made_from) == first
        site.declare(endpoint="other")
        second = await site.provisioner.plan(HERE, site.made_from)
        assert second.changes == first.changes
        assert second.digest != first.digest

    async def test_what_was_shown_is_applied_and_its_outputs_are_there(self, site: Site) -> None:
        site.declare(endpoint="one")
        await applied(site)
        assert (await site.provisioner.outputs(HERE, site.made_from))["endpoint"].value == "one"
        assert len(await site.provisioner.resources(HERE, site.made_from)) == 1
        assert (await site.provisioner.plan(HERE, site.made_from)).empty

    async def test_applied_twice_it_is_done_once(self, site: Site) -> None:
        site.declare(endpoint="one")
        digest = await applied(site)
        await site.provisioner.apply(HERE, site.made_from, digest)
        assert len(await site.provisioner.resources(HERE, site.made_from)) == 1

    async def test_another_plan_than_the_one_that_was_shown_is_refused_and_nothing_done(self, site: Site) -> None:
        site.declare(endpoint="one")
        shown = await site.provisioner.plan(HERE, site.made_from)
        site.declare(endpoint="other")
        with pytest.raises(Unusable, match="another than the one that was shown"):
            await site.provisioner.apply(HERE, site.made_from, shown.digest)
        assert await site.provisioner.outputs(HERE, site.made_from) == {}

    async def test_what_is_no_longer_wanted_is_destroyed_and_said_to_be(self, site: Site) -> None:
        site.declare(endpoint="one", name="two")
        await applied(site)
        site.declare(endpoint="one")
        plan = await site.provisioner.plan(HERE, site.made_from)
        assert [one.action for one in plan.harmful] == ["destroy"]
        await applied(site)
        assert list(await site.provisioner.outputs(HERE, site.made_from)) == ["endpoint"]

    async def test_nothing_drifts_by_itself(self, site: Site) -> None:
        site.declare(endpoint="one")
        await applied(site)
        assert await site.provisioner.drift(HERE, site.made_from) == ()

    async def test_a_sensitive_output_is_marked_and_in_no_plan(self, site: Site) -> None:
        site.declare(sensitive=True, password=HUSHED)
        plan = await site.provisioner.plan(HERE, site.made_from)
        assert HUSHED not in f"{plan!r} {plan}"
        await applied(site)
        found = (await site.provisioner.outputs(HERE, site.made_from))["password"]
        assert found.sensitive
        assert found.value == HUSHED
        assert HUSHED not in repr(found)

    async def test_what_is_not_there_is_said(self, site: Site) -> None:
        for verb in (site.provisioner.plan, site.provisioner.outputs, site.provisioner.drift):
            with pytest.raises(AdapterError):
                await verb(HERE, site.nowhere)
