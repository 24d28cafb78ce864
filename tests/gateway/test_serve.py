"""What the gateway's process gives up and takes at start."""

import json
import subprocess
import sys
from pathlib import Path

from gateway.home.config import GatewayConfig, unset_texts

SCRIPT = """
import asyncio, logging, resource
from gateway.hardening import allow_descriptors, harden_process
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
harden_process()
allow_descriptors()
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
assert soft == hard > 64, (soft, hard)
assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
assert 'NoNewPrivs:\\t1' in open('/proc/self/status').read()
"""


def test_a_gateway_takes_all_descriptors_and_leaves_no_core_file() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)


def test_no_library_speaks_and_a_lost_task_tells_its_type_only(tmp_path: Path) -> None:
    # What the event loop says of a lost task quotes its exception, which may quote what was sent.
    script = """
import asyncio, gc, logging, pathlib, sys
from unittest import mock
from gateway import serve
from gateway.home.config import GatewayConfig
async def lost():
    raise ValueError('CanarySecret')
async def run(*_):
    serve.quiet_loop(asyncio.get_running_loop())
    task = asyncio.create_task(lost())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    gc.collect()
    logging.getLogger('aiohttp.web').error('CanarySecret')
    logging.getLogger('asyncio').critical('CanarySecret')
home = mock.Mock(
    serving=pathlib.Path(sys.argv[1]),
    load_config=mock.Mock(return_value=GatewayConfig(inspection=False)),
    load=mock.Mock(return_value=mock.Mock(config=mock.Mock(listen='127.0.0.1:0'))),
)
with mock.patch('gateway.serve._run', run):
    serve.serve(home, on_listening=print)
"""
    command = [sys.executable, "-c", script, str(tmp_path / "serve.lock")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "CanarySecret" not in done.stdout + done.stderr
    assert '"type": "ValueError"' in done.stderr
    # Nobody has written a text for this gateway.
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["count"] for line in lines if line["event"] == "texts-unset"] == [len(unset_texts(GatewayConfig()))]
