"""A terminal to run a command on, and what it was sent."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path


def on_a_terminal(command: list[str], work: Path, seconds: float) -> str:
    """What a terminal of 120 columns is sent, without what commands it, until interrupted."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    program = subprocess.Popen(command, cwd=work, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    seen: list[bytes] = []

    def read() -> None:
        try:
            while piece := os.read(ours, 65536):
                seen.append(piece)
        except OSError:
            pass  # the other end is closed

    reading = threading.Thread(target=read)
    reading.start()
    time.sleep(seconds)
    program.send_signal(signal.SIGINT)
    program.wait(10)
    reading.join(5)
    os.close(ours)
    shown = b"".join(seen).decode(errors="replace").replace("\u00a0", " ")
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
