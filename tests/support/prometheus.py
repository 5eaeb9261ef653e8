"""A real Prometheus and its promtool, as Debian packages them; a server that ends with the test."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.support.components import used
from workers.embedded import die_with_parent, free_port


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Whatever it answers."""
    return subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)


def is_here() -> bool:
    return bool(shutil.which("promtool") and shutil.which("prometheus"))


@contextmanager
def prometheus(folder: Path, target: str, rules: Path) -> Iterator[str]:
    """Scrapes `target` and evaluates `rules` each second; where its API is."""
    config = folder / "prometheus.yaml"
    every = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    scraped = {"job_name": "starflock", "static_configs": [{"targets": [target]}]}
    config.write_text(
        yaml.safe_dump({"global": every, "rule_files": [str(rules)], "scrape_configs": [scraped]})
    )
    address = f"127.0.0.1:{free_port()}"
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with open(folder / "prometheus.log", "wb") as log:
        process = subprocess.Popen(
            [*command, f"--web.listen-address={address}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,
        )
    try:
        yield f"http://{address}/api/v1"
    finally:
        process.terminate()
        process.wait(20)


async def asked(api: str, path: str, **params: str) -> Any:
    """The data of its answer; None while it is not ready."""
    try:
        async with httpx2.AsyncClient(trust_env=False) as client:
            reply = await client.get(f"{api}{path}", params=params)
    except httpx2.TransportError:
        return None
    if reply.status_code == 503:
        return None
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


def told() -> None:
    used("Prometheus", promtool("--version").stdout.split()[2])
