"""The small part of Glance and Neutron without which Nova makes no server: not what is tested.

Nova asks Glance for the image of a server and for the names of an image's properties, and Neutron for the
networks, the port that it then makes, binds and unbinds, and the names of the API's extensions. One image and
one network are there; ports are kept. Nothing is checked and nobody is refused. The port-binding extension is
not offered, so a live migration binds no port beforehand.
"""

import http.server
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

IMAGE, NETWORK, SUBNET = (
    str(uuid.uuid5(uuid.NAMESPACE_DNS, each)) for each in ("image", "network", "subnet")
)
BYTES = b"no more than a name"


@dataclass
class Neighbours:
    port: int
    ports: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def glance(self) -> str:
        return f"http://127.0.0.1:{self.port}/image"

    @property
    def neutron(self) -> str:
        return f"http://127.0.0.1:{self.port}/networking"

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        parts = path.strip("/").split("/")
        if parts == ["image"]:
            return 300, {"versions": [_version("v2.16", f"{self.glance}/v2/")]}
        if parts == ["networking"]:
            return 200, {"versions": [_version("v2.0", f"{self.neutron}/v2.0/")]}
        if parts[:2] == ["image", "v2"]:
            return self._image(parts[2:])
        if parts[:2] == ["networking", "v2.0"]:
            return self._network(method, parts[2:], query, body)
        return 404, {}

    def _image(self, parts: list[str]) -> tuple[int, Any]:
        if parts == ["schemas", "image"]:
            return 200, {"name": "image", "properties": {name: {"type": "string"} for name in _image()}}
        if parts == ["images"]:
            return 200, {"images": [_image()]}
        return (200, _image()) if parts == ["images", IMAGE] else (404, {})

    def _network(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        kind, one = parts[0], parts[1] if len(parts) > 1 else ""
        if kind == "ports":
            return self._ports(method, one, query, body)
        known = {
            "networks": [
                {"id": NETWORK, "name": "net", "status": "ACTIVE", "tenant_id": "", "mtu": 1500}
                | {"subnets": [SUBNET]}
            ],
            "subnets": [
                {"id": SUBNET, "network_id": NETWORK, "cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.1"}
                | {"ip_version": 4, "dns_nameservers": [], "host_routes": [], "enable_dhcp": False}
            ],
            "quotas": [],
        }
        rows = [row for row in known.get(kind, []) if all(row.get(k, v) == v for k, v in query.items())]
        if kind == "quotas":
            return 200, {"quota": {"port": -1}}
        if one:
            found = next((row for row in rows if row["id"] == one), None)
            return (200, {kind[:-1]: found}) if found else (404, {"NeutronError": {"message": "none"}})
        return 200, {kind.replace("-", "_"): rows}

    def _ports(self, method: str, one: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "POST":
            port = {"id": str(uuid.uuid4()), "status": "ACTIVE", "mac_address": "fa:16:3e:00:00:01"}
            port |= {"fixed_ips": [{"subnet_id": SUBNET, "ip_address": "192.0.2.10"}]}
            port |= {"binding:vif_type": "ovs", "binding:vif_details": {}, "binding:profile": {}}
            self.ports[port["id"]] = port | body["port"]
            return 201, {"port": self.ports[port["id"]]}
        if not one:
            rows = [row for row in self.ports.values() if all(row.get(k, v) == v for k, v in query.items())]
            return 200, {"ports": rows}
        if one not in self.ports:
            return 404, {
                "NeutronError": {"type": "PortNotFound", "message": f"Port {one} could not be found."}
            }
        if method == "DELETE":
            del self.ports[one]
            return 204, None
        if method == "PUT":
            self.ports[one] |= body["port"]
        return 200, {"port": self.ports[one]}


def _version(name: str, href: str) -> dict[str, Any]:
    return {"id": name, "status": "CURRENT", "links": [{"rel": "self", "href": href}]}


def _image() -> dict[str, Any]:
    return {
        "id": IMAGE,
        "name": "image",
        "status": "active",
        "visibility": "public",
        "container_format": "bare",
        "disk_format": "raw",
        "size": len(BYTES),
        "min_ram": 0,
        "min_disk": 0,
        "owner": "",
        "protected": False,
        "tags": [],
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }


@contextmanager
def neighbours() -> Iterator[Neighbours]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        _Handler.known = Neighbours(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield _Handler.known
        finally:
            server.shutdown()
            thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    known: Neighbours

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = {
            key: value for key, value in parse_qsl(address.query) if key not in ("limit", "marker", "fields")
        }
        status, body = self.known.answer(
            self.command, address.path, query, json.loads(sent) if sent else None
        )
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """The test's own words suffice."""
