"""sushy-emulator: somebody else's BMC, with TLS and basic authentication, over its fake driver.

It has no sessions, no ETags and no tasks, keeps "Once" for ever, changes power some seconds late, and fetches
the image when it is inserted. One process a test, on a loopback address of its own; it ends with the test.
"""

import asyncio
import ctypes
import hashlib
import ipaddress
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bcrypt
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.forked import unmeasured
from workers.embedded import PR_SET_PDEATHSIG, free_port

ADDRESS = "127.121.0.1"
UUID = "4c4c4544-0051-3610-8053-b7c04f4b4e32"
OTHER_UUID = "4c4c4544-0051-3610-8053-b7c04f4b4e33"
MAC = "52:54:00:12:34:56"
USER, PASSWORD = "root", 'calvin "+/% 1'


@dataclass(frozen=True)
class Emulator:
    url: str
    certificate: Path
    fingerprint: str


@dataclass(frozen=True)
class Images:
    """An HTTP server with one image, and what was asked of it."""

    url: str
    missing: str
    refused: str
    asked: list[str]


@asynccontextmanager
async def emulator(
    folder: Path,
    *,
    systems: int = 1,
    power: str = "Off",
    driver: Mapping[str, object] | None = None,
    lent: Path | None = None,
) -> AsyncIterator[Emulator]:
    """`driver`: settings of another driver than the fake one; `lent`: a folder of modules that it needs."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    certificate, key, fingerprint = _certificate(folder)
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "htpasswd").write_text(f"{USER}:{hashed}\n")
    machines = [
        {
            "uuid": uuid,
            "name": f"node-{number}",
            "power_state": power,
            "nics": [{"mac": f"{MAC[:-1]}{number}", "ip": "192.0.2.1"}],
        }
        for number, uuid in enumerate((UUID, OTHER_UUID)[:systems], start=6)
    ]
    settings = {
        "SUSHY_EMULATOR_LISTEN_IP": ADDRESS,
        "SUSHY_EMULATOR_LISTEN_PORT": port,
        "SUSHY_EMULATOR_STATE_DIR": str(folder / "state"),
        "SUSHY_EMULATOR_AUTH_FILE": str(folder / "htpasswd"),
        "SUSHY_EMULATOR_SSL_CERT": str(certificate),
        "SUSHY_EMULATOR_SSL_KEY": str(key),
        **(driver or {"SUSHY_EMULATOR_FAKE_DRIVER": True, "SUSHY_EMULATOR_FAKE_SYSTEMS": machines}),
    }
    (folder / "state").mkdir()
    (folder / "emulator.conf").write_text(
        "".join(f"{name} = {value!r}\n" for name, value in settings.items())
    )
    command = Path(sys.executable).parent / "sushy-emulator"
    with open(folder / "emulator.log", "wb") as log:
        process = await asyncio.create_subprocess_exec(
            command,
            "--config",
            str(folder / "emulator.conf"),
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,
            env=unmeasured(os.environ) | ({"PYTHONPATH": str(lent)} if lent else {}),
        )
    try:
        await _listens(process, port)
        yield Emulator(f"https://{ADDRESS}:{port}", certificate, fingerprint)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


@asynccontextmanager
async def images() -> AsyncIterator[Images]:
    asked: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path != "/boot.iso":
            raise web.HTTPNotFound
        return web.Response(body=b"\0" * 2048, content_type="application/octet-stream")

    app = web.Application()
    app.router.add_route("*", "/{name}", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield Images(
            f"{root}/boot.iso", f"{root}/missing.iso", f"http://127.0.0.1:{free_port()}/boot.iso", asked
        )
    finally:
        await runner.cleanup()


async def _listens(process: asyncio.subprocess.Process, port: int) -> None:
    deadline = asyncio.get_running_loop().time() + 60
    while True:
        assert process.returncode is None, "sushy-emulator has ended; see emulator.log"
        try:
            _, writer = await asyncio.open_connection(ADDRESS, port)
        except OSError:
            assert asyncio.get_running_loop().time() < deadline, "sushy-emulator did not listen"
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _certificate(folder: Path) -> tuple[Path, Path, str]:
    """Signed by itself, for the address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bmc")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    paths = folder / "bmc.pem", folder / "bmc.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
    return *paths, f"sha256:{digest}"
