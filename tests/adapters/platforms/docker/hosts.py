"""Machines for tests: a network namespace each, with a Docker Engine and an sshd of its own in it. For root alone."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import require

NETWORK = "10.231"  # of which each machine has a /30: the server's side is .1, its own .2
PORT = 2222
PATIENCE = 40.0  # seconds, for an engine to start on a busy machine
SSHD = """\
Port {port}
ListenAddress {address}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv DOCKER_HOST=unix://{folder}/docker.sock
"""


REGISTRY = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {folder}/images}}}}
http: {{addr: "127.0.0.1:5000"}}
auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}
"""


@dataclass
class TestHost:
    __test__ = False
    folder: Path
    number: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def space(self) -> str:
        return f"hg{os.getpid() % 100_000}-{self.number}"

    @property
    def network(self) -> str:
        """Another one in each process: several may test at once."""
        return f"{NETWORK}.{os.getpid() % 120 * 2 + self.number}"

    @property
    def address(self) -> str:
        return f"{self.network}.2"

    @property
    def server(self) -> str:
        return f"{self.network}.1"

    @property
    def socket(self) -> str:
        """For a look past ssh."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def engine(self) -> str:
        return f"ssh://root@{self.address}:{PORT}"

    # --- network

    def connect(self) -> None:
        ip("netns", "add", self.space)
        ip("link", "add", f"{self.space}v", "type", "veth", "peer", "name", "eth0", "netns", self.space)
        ip("addr", "add", f"{self.server}/30", "dev", f"{self.space}v")
        ip("link", "set", f"{self.space}v", "up")
        inside = ("-n", self.space)
        ip(*inside, "addr", "add", f"{self.address}/30", "dev", "eth0")
        ip(*inside, "link", "set", "eth0", "up")
        ip(*inside, "link", "set", "lo", "up")
        ip(*inside, "route", "add", "default", "via", self.server)

    def unplug(self) -> None:
        ip("link", "set", f"{self.space}v", "down")

    def plug(self) -> None:
        ip("link", "set", f"{self.space}v", "up")

    # --- programs

    def start(self, name: str) -> None:
        # Not `ip netns exec`: that mounts another /sys, without the control groups.
        command = [str(require("nsenter")), f"--net=/run/netns/{self.space}", *self.command(name)]
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.running[name] = process

    def command(self, name: str) -> list[str]:
        if name == "docker-registry":
            return [str(require(name)), "serve", str(self.folder / "registry.yml")]
        if name == "sshd":
            return [str(require("sshd")), "-D", "-e", "-f", str(self.folder / "sshd_config")]
        folder = self.folder
        options = [f"--host={self.socket}", f"--data-root={folder}/data", f"--exec-root={folder}/run"]
        options += [f"--pidfile={folder}/pid", "--ip-forward=false"]
        return [str(require("dockerd")), *options]

    def await_engine(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while b"API listen on" not in (said := (self.folder / "dockerd.log").read_bytes()):
            assert self.running["dockerd"].poll() is None, said[-1000:]
            assert time.monotonic() < deadline, said[-1000:]
            time.sleep(0.05)

    def kill_sshd(self) -> None:
        """With every login: a child for each of them outlives it."""
        process = self.running.pop("sshd")
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
        for child in children.stdout.split():
            with suppress(ProcessLookupError):  # a login that ended by itself meanwhile
                os.kill(int(child), signal.SIGKILL)
        process.kill()
        process.wait()

    def stop_engine(self) -> None:
        process = self.running.pop("dockerd")
        process.terminate()
        process.wait(30)
        (self.folder / "dockerd.log").unlink()

    def start_registry(self, htpasswd: str) -> None:
        """On the machine's own loopback, with a login."""
        (self.folder / "htpasswd").write_text(htpasswd)
        (self.folder / "registry.yml").write_text(REGISTRY.format(folder=self.folder))
        self.start("docker-registry")

    def stop_registry(self) -> None:
        process = self.running.pop("docker-registry")
        process.kill()
        process.wait()

    def clear(self) -> None:
        if "sshd" in self.running:
            self.kill_sshd()
        if "dockerd" in self.running:
            self.stop_engine()
        subprocess.run(["ip", "netns", "del", self.space], check=False)


def ip(*arguments: str) -> None:
    subprocess.run([str(require("ip")), *arguments], check=True)


def _keys(folder: Path, number: int) -> None:
    for name in ("host_key", "user_key"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(made, check=True, stdin=subprocess.DEVNULL)
    (folder / "user_key").chmod(0o600)


@contextmanager
def machines(count: int) -> Iterator[tuple[list[TestHost], Path]]:
    """Machines that run, and the ssh configuration that knows them."""
    Path("/run/sshd").mkdir(exist_ok=True)
    base = Path(tempfile.mkdtemp(prefix="hgh-"))
    hosts = [TestHost(base / str(number), number) for number in range(1, count + 1)]
    known, configured = [], [f"UserKnownHostsFile {base}/known_hosts", "IdentitiesOnly yes"]
    try:
        for host in hosts:
            host.folder.mkdir()
            _keys(host.folder, host.number)
            host.connect()
            text = SSHD.format(port=PORT, address=host.address, folder=host.folder)
            (host.folder / "sshd_config").write_text(text)
            public = (host.folder / "host_key.pub").read_text().split()[:2]
            known.append(f"[{host.address}]:{PORT} {' '.join(public)}\n")
            configured += [f"Host {host.address}", f"  IdentityFile {host.folder}/user_key"]
            host.start("dockerd")
            host.start("sshd")
        (base / "known_hosts").write_text("".join(known))
        (base / "config").write_text("\n".join([*configured, ""]))
        for host in hosts:
            host.await_engine()
        yield hosts, base / "config"
    finally:
        for host in hosts:
            host.clear()
        shutil.rmtree(base, ignore_errors=True)
