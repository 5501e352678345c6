"""Text into manifests: what kubectl would read, and limits that name file, document and field."""

import pytest

from headgate.adapters.platforms.kubernetes.manifests.documents import MOST_DOCUMENTS, read
from headgate.adapters.platforms.kubernetes.manifests.manifest import Refused

NAMED = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"


def one(text: str) -> dict[str, object]:
    (found,) = read(f"{NAMED}it: {text}".encode(), "a.yaml")
    return {"it": found.content["it"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0644", 420),
        ("0o644", 420),
        ("1_000", 1000),
        ("1e3", 1000),
        ("1.5", 1.5),
        ("yes", "yes"),
        ("off", "off"),
        ("True", True),
        ("~", None),
        ("2001-01-01", "2001-01-01"),
        ('"0644"', "0644"),
        (".nan", ".nan"),
        ("99999999999999999999999", "99999999999999999999999"),
    ],
)
def test_scalars_are_read_as_kubectl_reads_them(text: str, value: object) -> None:
    assert one(text) == {"it": value}


def test_several_documents_lists_anchors_and_merge_keys() -> None:
    text = f"""
{NAMED}
data: &data {{a: one, b: two}}
more: {{<<: *data, b: three}}
---
# nothing
---
apiVersion: v1
kind: List
items:
  - {{apiVersion: v1, kind: Service, metadata: {{name: web}}}}
  - {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}}}
"""
    found = read(text.encode(), "deploy/all.yaml")
    assert [one.title for one in found] == ["ConfigMap/x", "Service/web", "Deployment/web"]
    assert found[0].content["more"] == {"a": "one", "b": "three"}
    assert found[2].where == "deploy/all.yaml:11, document 3 (Deployment/web)"


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcde", "bcdef", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "a.yaml:1, document 1: more than 50,000 values, aliases written out"),
        ("[" * 200, "nested deeper than 48 levels"),
        ("a: &a {b: *a}", "nested deeper than 48 levels"),
        ("a: [", "a.yaml:1:5: this is no YAML"),
        ("- 1", "found a list. Write one Kubernetes object"),
        ("a: !!python/object/apply:os.system [ls]", "document 1, a: found the tag python/object/apply:os.system"),
        ("a: !Ref x", "found the tag !Ref"),
        (f"{NAMED}a: 1\na: 2", "document 1, a: stands twice, again in line 5"),
        (f"{NAMED}? [a]\n: 1", "found no text as a field's name"),
        (f"{NAMED}<<: 3", "<<: found 3. Merge mappings alone"),
        ("kind: X", "apiVersion: found None"),
        ("apiVersion: v1\nkind: [X]", "kind: found a list"),
        ("apiVersion: v1\nkind: X\nmetadata: 3", "metadata: found 3. Write a mapping"),
        ("apiVersion: v1\nkind: X\nmetadata: {generateName: x-}", "metadata.name: found None. Name it"),
        ("apiVersion: v1\nkind: X\nmetadata: {name: ../secrets/x}", "name: found ../secrets/x. No cluster"),
        ("apiVersion: v1\nkind: X\nmetadata: {name: x?force=true}", "metadata.name: found x?force=true"),
        (f"{NAMED}a: &a {'x' * 900_000}\nb: [{'*a, ' * 10}]", "more than 4,194,304 characters"),
        (f"{NAMED}a: &a\n  ? {'x' * 100_000}\n  : 1\nb: [{'*a, ' * 50}]", "more than 4,194,304 characters"),
        ("a: \x01", "holds what no YAML reader reads"),
        ('a: "\\0"', "document 1, a: holds a character that no cluster keeps"),
        ("---\n".join([NAMED] * (MOST_DOCUMENTS + 1)), f"more than {MOST_DOCUMENTS} documents"),
        ("x" * (1024 * 1024 + 1), "found 1,048,577 bytes; at most 1,048,576 are read"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_hostile_text_is_refused_by_its_place(text: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text.encode(), "a.yaml")
    assert said in str(refused.value)
    assert str(refused.value).startswith("a.yaml")


def test_no_text_commands_a_terminal() -> None:
    with pytest.raises(Refused) as refused:
        read(b'apiVersion: v1\nkind: "\\e[2J"\n', "a.yaml")
    assert str(refused.value).isprintable()


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Refused, match="byte 3 is not UTF-8"):
        read(b"a: \xff", "a.yaml")
