"""kubectl and helm, to render only: no network, no cluster, no plugin, no home; bounded in time, memory and output."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from headgate.adapters.platforms.kubernetes.manifests.documents import LARGEST
from headgate.adapters.platforms.kubernetes.manifests.manifest import Refused
from headgate.ports import AdapterError

TIMEOUT = timedelta(seconds=30)
SECONDS_OF_PROCESSOR = 20
# Of what is written to: a pod whose limit is reached is killed as a whole, and the server with it. Rendering takes a
# tenth of this. Address space says nothing: a Go program reserves far more than it uses.
KIB_OF_MEMORY = 512 * 1024
LONGEST_SAID = 600  # characters of a complaint
DEAD = "http://127.0.0.1:9"  # the port "discard": nothing listens there
KLOG = re.compile(r'^E\d{4} \S+ +\d+ \S+\] "command failed" err=')
LIMITED = f'ulimit -t {SECONDS_OF_PROCESSOR} && ulimit -d {KIB_OF_MEMORY} && exec "$@"'

INSTALL = {
    "kubectl": "Install kubectl on the server's machine: a kustomization is rendered by `kubectl kustomize`",
    "helm": "Install Helm 3.11 or newer on the server's machine, or render the chart in your CI and commit the result",
}


def kustomize(folder: Path) -> tuple[str, ...]:
    """Without options it reads no file above its folders, runs no plugin, and renders no chart."""
    return ("kubectl", "kustomize", str(folder))


def helm_template(chart: Path, release: str, namespace: str, values: Sequence[Path]) -> tuple[str, ...]:
    """Without `--validate`, `--enable-dns`, `--dependency-update` and `--post-renderer` it asks nobody anything."""
    files = [part for file in values for part in ("--values", str(file))]
    return ("helm", "template", release, str(chart), "--namespace", namespace, "--skip-tests", "--include-crds", *files)


def found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise AdapterError(f"{program} is not installed. {INSTALL[program]}")
    return os.path.realpath(path)


def variables(program: str, home: Path) -> dict[str, str]:
    """PATH holds the program's own folder alone where it needs one, so that it finds no git to fetch with."""
    where = {name: str(home) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR")}
    helm = {f"HELM_{name}": str(home) for name in ("CONFIG_HOME", "CACHE_HOME", "DATA_HOME", "PLUGINS")}
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), DEAD)
    nothing = {"KUBECONFIG": os.devnull, "NO_PROXY": "", "GIT_ALLOW_PROTOCOL": "none", "PATH": ""}
    return {**where, **(helm if program == "helm" else {}), **proxies, **nothing, "LC_ALL": "C.UTF-8"}


async def rendered(argv: Sequence[str], where: str) -> bytes:
    """What it printed. Raises Refused with what it complained of, and AdapterError where it is not there."""
    program = found(argv[0])
    running: list[subprocess.Popen[bytes]] = []
    try:
        return await asyncio.to_thread(_run, (program, *argv[1:]), argv[0], where, running)
    except asyncio.CancelledError:
        for process in running:
            _end(process)
        raise


def _run(argv: Sequence[str], program: str, where: str, running: list[subprocess.Popen[bytes]]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="headgate-render-") as home, tempfile.TemporaryFile() as complaint:
        process = subprocess.Popen(
            ["/bin/sh", "-c", LIMITED, "headgate-render", *argv],
            env=variables(program, Path(home)),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaint,
            start_new_session=True,
        )
        running.append(process)
        with process:
            printed = _read(process, f"{where}: {program}")
        if process.returncode == 0:
            return printed
        complaint.seek(0)
        raise Refused(f"{where}: {program} refused it: {_said(complaint.read(8 * LONGEST_SAID), process.returncode)}")


def _read(process: subprocess.Popen[bytes], where: str) -> bytes:
    """At most LARGEST, however much it prints, and no longer than TIMEOUT."""
    late = threading.Event()
    alarm = threading.Timer(TIMEOUT.total_seconds(), _ring, (late, process))
    alarm.start()
    try:
        printed = process.stdout.read(LARGEST + 1) if process.stdout else b""
        if len(printed) <= LARGEST:
            process.wait()
    finally:
        alarm.cancel()
        _end(process)
    if late.is_set():
        raise Refused(f"{where} took longer than {TIMEOUT.total_seconds():g} s and was ended. Render less of it.")
    if len(printed) > LARGEST:
        raise Refused(f"{where} rendered more than {LARGEST:,} bytes. Is this the right folder?")
    return printed


def _ring(late: threading.Event, process: subprocess.Popen[bytes]) -> None:
    late.set()
    _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it started."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _said(complaint: bytes, code: int) -> str:
    """Its first lines, without the klog head; nothing of it commands a terminal."""
    text = " ".join(complaint.decode(errors="replace").split())
    text = "".join(one if one.isprintable() else "?" for one in KLOG.sub("", text))
    return text[:LONGEST_SAID] or f"it ended with code {code}"
