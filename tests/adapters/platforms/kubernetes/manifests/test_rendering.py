"""From a path in a checkout to manifests, with the tools that people write them for."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from tests.adapters.platforms.kubernetes.manifests.written import SHOP

from headgate.adapters.platforms.kubernetes.manifests import tools
from headgate.adapters.platforms.kubernetes.manifests.manifest import Refused
from headgate.adapters.platforms.kubernetes.manifests.rendering import render
from headgate.ports import AdapterError

KUSTOMIZATION = "resources: [../base]\nnameSuffix: -qa\nimages: [{name: registry.example.org/shop/web, newTag: qa}]\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


async def titles(root: Path, path: str) -> list[str]:
    return [one.title for one in await render(root, path, (), "shop", "shop-qa")]


async def test_a_file_and_a_folder_are_read_as_they_are(tmp_path: Path) -> None:
    two = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}"
    write(tmp_path, {"k8s/b.yml": two, "k8s/sub/a.yaml": SHOP, "k8s/README.md": "no", "k8s/.hidden.yaml": "a: ["})
    assert (await titles(tmp_path, "k8s"))[:2] == ["ConfigMap/b", "Deployment/web"]
    assert await titles(tmp_path, "k8s/b.yml") == ["ConfigMap/b"]


@pytest.mark.real("kubectl")
async def test_a_kustomization_is_rendered_by_kubectl(tmp_path: Path) -> None:
    base = {"deploy/base/kustomization.yaml": "resources: [shop.yaml]", "deploy/base/shop.yaml": SHOP}
    write(tmp_path, {**base, "deploy/qa/kustomization.yaml": KUSTOMIZATION})
    found = await render(tmp_path, "deploy/qa", (), "shop", "shop-qa")
    (web,) = [one for one in found if one.kind == "Deployment"]
    assert web.name == "web-qa"
    assert web.at("spec", "template", "spec", "containers", 0, "image") == "registry.example.org/shop/web:qa"
    assert web.file == "kubectl kustomize deploy/qa"


@pytest.mark.real("kubectl")
async def test_what_kubectl_says_does_not_name_the_server(tmp_path: Path) -> None:
    write(tmp_path, {"deploy/kustomization.yaml": "resources: []\npatches: [{path: nothing.yaml}]"})
    with pytest.raises(Refused) as refused:
        await render(tmp_path, "deploy", (), "shop", "shop-qa")
    assert "manifests: deploy: kubectl refused it" in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


# .ci/run cannot install it: no package of Debian, PyPI or npm has it.
@pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not installed: no chart was rendered by the real one")
async def test_a_chart_is_rendered_by_helm(tmp_path: Path) -> None:
    chart = {"chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n"}
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {a: {{ .Values.a }}}\n"
    write(tmp_path, {**chart, "chart/templates/a.yaml": template, "qa.yaml": "a: b\n"})
    (found,) = await render(tmp_path, "chart", ("qa.yaml",), "shop", "shop-qa")
    assert (found.title, found.content["data"]) == ("ConfigMap/shop", {"a": "b"})


HELM = """#!{python}
import os, sys
assert sys.argv[1:4] == ["template", "shop", {chart!r}], sys.argv
assert not os.environ.get("PATH") and os.environ["HTTPS_PROXY"] == "http://127.0.0.1:9"
print("apiVersion: v1\\nkind: ConfigMap\\nmetadata: {{name: x}}\\ndata: {{args: '%s'}}" % " ".join(sys.argv[4:]))
"""


async def test_a_chart_is_rendered_by_the_documented_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a program called helm that says what it was asked: what Helm makes of that, only the test above can tell."""
    chart = str(tmp_path / "chart")
    helm = HELM.format(python=sys.executable, chart=chart)
    write(tmp_path, {"chart/Chart.yaml": "name: shop", "qa.yaml": "a: b", "bin/helm": helm})
    (tmp_path / "bin/helm").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    argv = tools.helm_template(Path(chart), "shop", "shop-qa", [tmp_path / "qa.yaml"])
    values = ("--values", str(tmp_path / "qa.yaml"))
    assert argv[4:] == ("--namespace", "shop-qa", "--skip-tests", "--include-crds", *values)
    (found,) = await render(tmp_path, "chart", ("qa.yaml",), "shop", "shop-qa")
    assert "--skip-tests" in found.content["data"]["args"]


async def test_without_helm_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    write(tmp_path, {"chart/Chart.yaml": "name: shop"})
    with pytest.raises(AdapterError, match=r"helm is not installed. Install Helm 3.11"):
        await render(tmp_path, "chart", (), "shop", "shop-qa")


@pytest.mark.parametrize(
    ("files", "path", "said"),
    [
        ({"a.yaml": "x"}, "nothing", "manifests: there is no nothing in this commit"),
        ({"k/readme": "x"}, "k", "no .yaml, .yml or .json file, no kustomization and no chart in k"),
        ({"k/a/kustomization.yaml": "x"}, "k", "k/a is a kustomization in a folder of plain files"),
        ({"k/a.yaml": "# nothing"}, "k", "k holds no manifest"),
        ({"k/kustomization.yaml": "resources: [https://example.org/x.yaml]"}, "k", "resources[0]: there is no https://"),
        ({"k/kustomization.yaml": "resources: ['github.com/a/b?ref=main']"}, "k", "nothing is fetched from elsewhere"),
        ({"k/kustomization.yaml": "resources: [../../]"}, "k", "k/kustomization.yaml, resources[0]: ../../ leads out"),
        ({"k/kustomization.yaml": "components: 3"}, "k", "k/kustomization.yaml, components: found 3"),
        ({"k/kustomization.yaml": "helmCharts: [{name: x}]"}, "k", "charts in kustomizations are not rendered"),
        ({"k/kustomization.yaml": "- a"}, "k", "A kustomization is a mapping"),
        ({"k/kustomization.yaml": "resources: [../m]", "m/x": ""}, "k", "m has no kustomization.yaml"),
        ({"k/a.yaml": "x" * (1024 * 1024 + 1)}, "k", "k/a.yaml: found 1,048,577 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_is_refused(tmp_path: Path, files: dict[str, str], path: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        await titles(write(tmp_path, files), path)
    assert said in str(refused.value)


async def test_values_are_for_charts(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="values are for Helm charts"):
        await render(write(tmp_path, {"a.yaml": SHOP}), "a.yaml", ("v.yaml",), "shop", "shop-qa")


async def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {"k/a.yaml": SHOP})
    (root / "k/b.yaml").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match=r"k/b\.yaml leads out of the commit"):
        await titles(root, "k")


@pytest.mark.parametrize("name", ["chart/files", "chart/.hidden"])
async def test_a_link_of_a_chart_to_a_folder_outside_is_refused(tmp_path: Path, name: str) -> None:
    """Its templates would read the server's own key with .Files."""
    root = write(tmp_path / "root", {"chart/Chart.yaml": "name: shop"})
    (root / name).symlink_to("/etc")
    with pytest.raises(Refused, match=rf"{name} leads out of the commit"):
        await titles(root, "chart")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import time; time.sleep(60)", "took longer than 0.3 s and was ended"),
        ("while True: print('x' * 100000)", "rendered more than 1,048,576 bytes"),
        ("import sys; sys.exit('no \\x1b[2J way')", "helm refused it: no ?[2J way"),
        ("x = bytearray(600 << 20)", "helm refused it"),
    ],
    ids=["slow", "endless", "failing", "greedy"],
)
async def test_a_tool_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    monkeypatch.setattr(tools, "TIMEOUT", tools.TIMEOUT / 100 if "sleep" in program else tools.TIMEOUT)
    write(tmp_path, {"chart/Chart.yaml": "name: shop", "bin/helm": f"#!{sys.executable}\n{program}\n"})
    os.chmod(tmp_path / "bin/helm", 0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(Refused) as refused:
        await render(tmp_path, "chart", (), "shop", "shop-qa")
    assert said in str(refused.value)
