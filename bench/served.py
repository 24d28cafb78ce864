"""A gateway in a process of its own, for what is measured from outside."""

import subprocess
import sys

from gateway.home.home import GatewayHome


def start_gateway(home: GatewayHome) -> tuple[subprocess.Popen[str], int]:
    """Start a gateway on a free port of this machine; return its process and the port. The caller ends it."""
    command = [sys.executable, "-m", "enveis", "gateway", "serve", "--home", str(home.root), "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    if process.stderr is None:
        raise RuntimeError("a process without a pipe")
    for line in process.stderr:
        if "http://" in line:
            return process, int(line.rsplit("/ (", 1)[0].rsplit(":", 1)[1])
    raise RuntimeError("the gateway did not start")
