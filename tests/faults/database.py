"""A PostgreSQL of this machine in a folder of its own, for one test: on a socket only, and nothing waits for a disk."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import require

QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=16MB", "max_connections=20")


@contextmanager
def database() -> Iterator[str]:
    """How to connect to it. It refuses to run as root, who lets its own user do it."""
    with tempfile.TemporaryDirectory(prefix="hg-", ignore_cleanup_errors=True) as folder:
        user = {"user": "postgres"} if os.geteuid() == 0 else {}
        if user:
            shutil.chown(folder, "postgres")
        where = {"cwd": folder, "env": {"PATH": os.defpath, "LC_ALL": "C"}, **user}
        data = ("-D", f"{folder}/data")
        made = (require("initdb"), *data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        subprocess.run(made, **where, check=True, stdout=subprocess.DEVNULL)
        settings = [part for one in (*QUICK, "listen_addresses=") for part in ("-c", one)]
        # It says that it is ready by a file; pg_ctl waits for that, and stops it.
        control = (require("pg_ctl"), *data, "--silent", "--wait", "-l", f"{folder}/log")
        subprocess.run((*control, "-o", f"-k {folder} {' '.join(settings)}", "start"), **where, check=True)
        try:
            yield f"host={folder} dbname=postgres user=postgres"
        finally:
            subprocess.run((*control, "-m", "immediate", "stop"), **where, check=True)
            assert not (Path(folder) / "data" / "postmaster.pid").exists()
