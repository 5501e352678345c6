"""examples/pcw/deploy, a kustomization as a team has it before it has Headgate."""

from pathlib import Path

import pytest

from headgate.adapters.platforms.kubernetes.manifests.parts import sort
from headgate.adapters.platforms.kubernetes.manifests.rendering import render
from headgate.bootstrap import present
from headgate.spec.compile import application, services
from headgate.spec.missing import missing
from headgate.spec.read import read

PCW = Path(__file__).parents[5] / "examples" / "pcw"


@pytest.mark.real("kubectl")
async def test_its_services_run_as_they_are() -> None:
    spec = read((PCW / "manifests.yaml").read_text())
    assert missing(spec, present()) == []
    (production,) = application(spec, str(PCW), "manifests.yaml").environments
    assert production.manifests is not None
    manifests = await render(PCW, production.manifests.path, production.manifests.values, "pcw", "pcw-production")
    parts = sort(manifests, services(spec), "pcw-production", production.manifests.allow)
    assert {name: one.manifest.title for name, one in parts.workloads.items()} == {
        "web": "Deployment/web",
        "quotes": "Deployment/quotes",
    }
    assert [one.name for one in parts.services["web"]] == ["shop"]
    assert [one.name for one in parts.budgets["web"]] == ["web"]
    assert len(parts.contents) == 1
    assert parts.contents[0].name.startswith("settings-")
