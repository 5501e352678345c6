"""A real Prometheus on loopback. It scrapes three ports every 300 ms, whoever listens there, and ends with the tests.

It takes five seconds from its start to its first scrape, so most tests share one.
"""

import json
import socket
import subprocess
from pathlib import Path

from tests.conftest import require

CONFIGURATION = """\
global: {scrape_interval: 300ms, scrape_timeout: 300ms}
scrape_configs:
  - {job_name: edge, file_sd_configs: [{files: [targets.json], refresh_interval: 200ms}]}
"""


class PrometheusServer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        port, *self.ports = free_ports(4)
        self.url = f"http://127.0.0.1:{port}"
        self.scrape(*self.ports)
        (folder / "prometheus.yml").write_text(CONFIGURATION)
        flags = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
        flags += ["--enable-feature=native-histograms"]  # it then asks for protobuf, which alone has them
        flags += ["--scrape.discovery-reload-interval=100ms", "--log.level=warn"]
        with (folder / "prometheus.log").open("wb") as log:
            command = [str(require("prometheus")), *flags]
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def scrape(self, *ports: int) -> None:
        """From now on these; it takes up to five seconds."""
        beside = self.folder / "targets.new"
        beside.write_text(json.dumps([{"targets": [f"127.0.0.1:{port}" for port in ports]}]))
        beside.rename(self.folder / "targets.json")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
