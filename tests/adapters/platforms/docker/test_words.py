"""What is made of words: labels and names, frames of output, endings, addresses. No engine is needed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headgate.adapters.docker_engine import EngineRefused, socket_path
from headgate.adapters.envoy_bridges import Bridge, read_bridges, write_bridge
from headgate.adapters.platforms.docker import DockerSettings
from headgate.adapters.platforms.docker.containers import (
    Tag,
    host_request,
    labels,
    name,
    published_port,
    read_labels,
    scope,
    server_id,
)
from headgate.adapters.platforms.docker.instances import killed, span
from headgate.adapters.platforms.docker.logs import pieces, seconds
from headgate.adapters.platforms.docker.memory import Memory, recall, remember
from headgate.adapters.platforms.docker.networks import Network
from headgate.adapters.platforms.docker.pulls import Pull
from headgate.adapters.platforms.docker.variables import own
from headgate.model.ids import EnvironmentId, ReleaseId, RevisionId
from headgate.model.releases import Revision
from headgate.model.services import Health, Service, Value
from headgate.ports import AdapterError, Away

NETWORK = Network("net", "172.18.0.1", "172.18.0.0/16")
TAG = Tag(EnvironmentId("pcw/qa"), RevisionId("rev_1"), "web", 2, 8000, Health("/x", timedelta(seconds=0.25)))


def test_labels_say_all_that_a_tag_is() -> None:
    assert read_labels(labels("00000000", TAG)) == TAG
    assert (TAG.id, name("00000000", TAG)) == ("web.rev_1.2", "headgate-00000000-pcw.qa.web.rev_1.2")


@pytest.mark.parametrize("missing", ["headgate.revision", "headgate.number", "headgate.health.path"])
def test_labels_that_are_not_whole_are_not_ours(missing: str) -> None:
    found = labels("00000000", TAG)
    assert read_labels({**found, missing: ""} if missing == "headgate.number" else without(found, missing)) is None


def without(found: dict[str, str], key: str) -> dict[str, str]:
    return {one: value for one, value in found.items() if one != key}


@pytest.mark.parametrize("environment", ["pcw/../x", "pcw", "pcw/a b", "pcw/-rm", "/qa"])
def test_a_name_that_fits_no_container_is_refused(environment: str) -> None:
    with pytest.raises(AdapterError, match="is refused"):
        scope("00000000", EnvironmentId(environment))


def test_a_server_is_its_folder(tmp_path: Path) -> None:
    assert server_id(tmp_path / "a") == server_id(tmp_path / "b" / ".." / "a") != server_id(tmp_path / "b")


def test_a_container_is_closed_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    settings = DockerSettings(data=tmp_path, releases=tmp_path, envoy=tmp_path)
    host = host_request(settings, "00000000", TAG, Service("web", (), 8000), NETWORK)
    assert host["ReadonlyRootfs"]
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], [])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["PortBindings"] == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    assert {one["Type"] for one in host["Mounts"]} == {"volume"}, "nothing of this machine's own files"


def test_on_another_host_it_is_published_at_the_address_of_that(tmp_path: Path) -> None:
    settings = DockerSettings(data=tmp_path, releases=tmp_path, envoy=tmp_path)
    there = replace(TAG, place="10.0.0.5")
    host = host_request(settings, "00000000", there, Service("web", (), 8000), NETWORK)
    assert host["PortBindings"] == {"8000/tcp": [{"HostIp": "10.0.0.5", "HostPort": ""}]}
    assert there.id == f"{TAG.id}-10.0.0.5"
    assert read_labels(labels("00000000", there)) == there


def test_only_a_port_on_loopback_counts() -> None:
    def inspected(*found: tuple[str, str]) -> dict[str, Any]:
        bindings = [{"HostIp": address, "HostPort": port} for address, port in found]
        return {"NetworkSettings": {"Ports": {"8000/tcp": bindings}}}

    assert published_port(inspected(("0.0.0.0", "1"), ("127.0.0.1", "2")), TAG) == 2
    assert published_port(inspected(("0.0.0.0", "1")), TAG) is None
    assert published_port({"NetworkSettings": {"Ports": None}}, TAG) is None


@pytest.mark.parametrize("size", [1, 3, 8, 11, 1000])
async def test_output_is_taken_out_of_its_frames_wherever_they_are_cut(size: int) -> None:
    texts = [b"one\n", b"", b"two\nthr", b"ee\n"]
    framed = b"".join(b"\x01\0\0\0" + len(text).to_bytes(4, "big") + text for text in texts)

    async def chunks() -> AsyncIterator[bytes]:
        for begin in range(0, len(framed), size):
            yield framed[begin : begin + size]

    assert b"".join([piece async for piece in pieces(chunks())]) == b"one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("code", "oom", "said"),
    [
        (0, False, "exited with code 0 after 1.5 s"),
        (137, False, "was killed by SIGKILL after 1.5 s"),
        (137, True, "was killed by SIGKILL after 1.5 s: it used more memory than it may have"),
        (255, False, "exited with code 255 after 1.5 s"),
    ],
)
def test_an_ending_is_said_in_words(code: int, oom: bool, said: str) -> None:
    state = {"ExitCode": code, "OOMKilled": oom}
    assert killed(state, timedelta(seconds=1.5)) == said


def test_moments_of_the_engine_have_nine_digits() -> None:
    assert seconds("2026-01-02T03:04:05.1234567Z") == "1767323045.123456700"
    assert seconds("2026-01-02T03:04:05Z") == "1767323045.000000000"
    assert span("2026-01-02T03:04:05Z", "2026-01-02T03:04:06.5Z") == timedelta(seconds=1.5)
    assert span("2026-01-02T03:04:05Z", "0001-01-01T00:00:00Z") == timedelta(0), "it never ended"


def test_only_what_headgate_wrote_is_led_to_the_gateway() -> None:
    env = {
        "PRICE_LIST_URL": Value("plain", "http://127.0.0.1:20001"),
        "DATABASE_URL": Value("plain", "postgres://127.0.0.1:5432/x"),
    }
    web = Service("web", (), 8000, env=env)
    services = (web, replace(web, name="price-list"))
    revision = Revision(RevisionId("rev_1"), TAG.environment, ReleaseId("rel_1"), "c" * 40, "one", services)
    told = own(web, revision, "172.18.0.1").env
    assert told["PRICE_LIST_URL"].text == "http://172.18.0.1:20001"
    assert told["DATABASE_URL"] == env["DATABASE_URL"]


def test_what_is_remembered_of_another_container_does_not_count(tmp_path: Path) -> None:
    remember(Memory("first", restarts=3), tmp_path / "one.json")
    assert recall(tmp_path / "one.json", "first").restarts == 3
    assert recall(tmp_path / "one.json", "second") == Memory("second")
    (tmp_path / "one.json").write_text("{")
    assert recall(tmp_path / "one.json", "first") == Memory("first"), "labels are enough"


def test_bridges_are_written_once_and_forgotten(tmp_path: Path) -> None:
    bridge = Bridge("172.18.0.1", ("10.0.0.5/32", "172.18.0.0/16"))
    assert write_bridge(tmp_path / "envoy", "pcw/qa", bridge)
    assert not write_bridge(tmp_path / "envoy", "pcw/qa", bridge)
    assert read_bridges(tmp_path / "envoy") == {"pcw/qa": bridge}
    assert write_bridge(tmp_path / "envoy", "pcw/qa", None)
    assert read_bridges(tmp_path / "envoy") == {}


def test_a_bridge_as_it_was_written_before_there_were_several_networks(tmp_path: Path) -> None:
    (tmp_path / "bridges.json").write_text('{"pcw/qa": {"gateway": "172.18.0.1", "subnet": "172.18.0.0/16"}}')
    assert read_bridges(tmp_path) == {"pcw/qa": Bridge("172.18.0.1", ("172.18.0.0/16",))}


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', json.dumps({"a": {"gateway": "x", "subnet": "0.0.0.0/0"}})])
def test_a_damaged_file_of_bridges_is_none_at_all(tmp_path: Path, text: str) -> None:
    (tmp_path / "bridges.json").write_text(text)
    assert read_bridges(tmp_path) == {}


def test_the_socket_is_where_docker_host_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/user/1000/docker.sock")
    assert str(socket_path()) == "/run/user/1000/docker.sock"
    monkeypatch.delenv("DOCKER_HOST")
    assert str(socket_path()) == "/var/run/docker.sock"


@pytest.mark.parametrize(
    ("said", "away"),
    [
        ("dial tcp 10.0.0.7:443: connect: connection refused", True),
        ("Get https://r/v2/: net/http: TLS handshake timeout", True),
        ("manifest unknown", False),
        ("unauthorized: authentication required", False),
        ("no space left on device", False),
    ],
)
async def test_only_a_registry_that_does_not_answer_is_away(said: str, away: bool) -> None:
    class Engine:
        @asynccontextmanager
        async def open(self, *_: object, **__: object) -> AsyncIterator[None]:
            raise EngineRefused("POST /images/create", said, 500)
            yield

    reference = f"r.example.org/web@sha256:{'0' * 64}"
    with pytest.raises(AdapterError) as told:
        await Pull("pcw/qa, service web", reference, "this machine", None, timedelta(seconds=5)).run(Engine())  # type: ignore[arg-type]
    assert isinstance(told.value, Away) is away
