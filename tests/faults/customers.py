"""A service on PostgreSQL for tests of migrations; also `customers.py LEVEL`, which migrates. `shop.json`: its version.

Each answer reads the column that its version was made for: on data that are not for it, it answers 500.
"""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg

SHOP = json.loads(Path(__file__).with_name("shop.json").read_text())
LEVELS = {
    1: "CREATE TABLE customers (id int, name text); INSERT INTO customers VALUES (1, 'Ada Lovelace')",
    2: "ALTER TABLE customers ADD full_name text; UPDATE customers SET full_name = name; SELECT pg_sleep(1)",
    3: "ALTER TABLE customers DROP name",
    4: "ALTER TABLE customers ADD age int; SELECT 1 / 0",
}


def connect() -> psycopg.Connection:
    return psycopg.connect(os.environ["DATABASE"], autocommit=True)


def migrate(level: int) -> None:
    with psycopg.connect(os.environ["DATABASE"]) as connection:
        connection.execute("INSERT INTO ran VALUES (%s)", (level,))
        connection.commit()  # a second beginning is seen, whatever becomes of the rest
        for statement in LEVELS[level].split(";"):
            connection.execute(statement)


class Handler(BaseHTTPRequestHandler):
    database = None
    lock = threading.Lock()

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            with self.lock:
                Handler.database = Handler.database or connect()
                [name] = Handler.database.execute(f"SELECT {SHOP['reads']} FROM customers").fetchone()
            self.tell(200, name)
        except psycopg.Error as error:
            self.tell(500, str(error))

    do_POST = do_GET  # noqa: N815 - the name that is called

    def tell(self, status: int, name: str) -> None:
        said = {"version": SHOP["version"], "name": name, "revision": os.environ["REVISION"]}
        body = json.dumps(said | {"port": os.environ["PORT"], "pid": os.getpid()}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def serve() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    server.daemon_threads = False  # what was asked is answered
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(0.05)
    server.server_close()


if __name__ == "__main__":
    migrate(int(sys.argv[1])) if len(sys.argv) > 1 else serve()
