"""A shop of one service: v1 is stable in production, v2 is released. Each fault comes on a branch of its own."""

from pathlib import Path

from tests.faults.docker.site import Site, Tree

FILE = """\
application: shop
services:
  web: {{build: web, port: 8000, health: {{path: /healthz}}}}
registry: {{docker: {{url: "{registry}"}}}}
pipeline:
  ci:
    - {{name: test, run: "pytest -q test_price.py --junit-xml=r.xml", junit: r.xml}}
    - {{name: scan, needs: [], run: bandit -q -r web --severity-level medium}}
environments:
  staging: {{platform: docker, deploy: on-request, keep_warm: 0s}}
  production: {{platform: docker, deploy: on-request, strategy: blue-green, bake: 1s, keep_warm: 0s}}
"""
DOCKERFILE = """\
FROM python:3.11-slim
COPY service.py version /srv/
USER nobody
CMD ["python", "/srv/service.py"]
"""
SERVICE = """\
import http.server, os, pathlib, time

VERSION = pathlib.Path(__file__).with_name("version").read_bytes()
if VERSION.startswith(b"late"):
    time.sleep(4)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(VERSION)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Answer).serve_forever()
"""
TEST = "def test_price():\n    assert 2 * 21 == {price}\n"


def opened(site: Site, folder: Path) -> Tree:
    tree = Tree(folder)
    for path, text in (
        ("headgate.yaml", FILE.format(registry=site.fence.url)),
        ("web/Dockerfile", DOCKERFILE),
        ("web/service.py", SERVICE),
        ("web/version", "v1"),
        ("test_price.py", TEST.format(price=42)),
    ):
        tree.write(path, text)
    tree.commit("Sell", "v1")
    site.headgate("apply", cwd=tree.folder)
    site.headgate("release", "v1", cwd=tree.folder)
    site.headgate("deploy", "production", "v1", "--wait", cwd=tree.folder)
    branch(tree, "next", {"web/version": "v2"})
    tree.git("tag", "v2", "next")
    site.headgate("release", "v2", cwd=tree.folder)
    return tree


def branch(tree: Tree, name: str, files: dict[str, str], subject: str = "Change") -> str:
    """A branch off main with one commit; returns its name."""
    tree.git("branch", "--", name, "main")
    tree.git("switch", "--quiet", name)
    for path, text in files.items():
        tree.write(path, text)
    tree.commit(subject)
    tree.git("switch", "--quiet", "main")
    return name
