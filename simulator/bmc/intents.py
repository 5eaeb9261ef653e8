"""What a request to a BMC means to change, for the ledger and for the faults.

The lives: an insert holds until the medium is ejected, a power-on until the power is off and the other way
round, a boot override until it is consumed or replaced, BIOS settings until a boot has applied them, a
firmware version until another is written. An eject or a restart is said once between two looks: reading the
slot ends the one, reading the system after the boot ends the other. Logging in and out are no intents.
"""

import json
from typing import Any

from simulator.bmc.state import Bmc
from simulator.proof.ledger import Intent, Ledger
from simulator.wire.http import Request

_ON = ("On", "ForceOn")
_OFF = ("ForceOff", "GracefulShutdown")
POINTS = ("bmc.insert", "bmc.eject", "bmc.reset", "bmc.boot", "bmc.update")
"""Intents that faults can aim at."""
LOGIN = "bmc.session"


def meant(bmc: Bmc, request: Request) -> Intent | None:
    """None for what changes nothing worth an entry."""
    if not request.mutating:
        return None
    parts, body = request.parts, _body(request)
    if parts[2:3] == ["SessionService"]:
        return None
    last = parts[-1] if parts else ""
    if last == "IsoConfig.Mount":
        return insert(bmc, {"Image": bmc.mount.image})
    if last == "VirtualMedia.InsertMedia":
        return insert(bmc, body)
    if last in ("VirtualMedia.EjectMedia", "IsoConfig.UnMount"):
        return eject(bmc)
    if last == "ComputerSystem.Reset":
        return _reset(bmc, str(body.get("ResetType", "On")))
    if last == "UpdateService.SimpleUpdate":
        image = str(body.get("ImageURI", "")).rsplit("/", 1)[-1].split("?")[0]
        component = image.split("-")[0]
        key = f"bmc.update:{image}"
        return Intent(
            "bmc.update",
            thing(bmc, f"firmware/{component}"),
            f"{bmc.place.host} {component}",
            key=key,
            begins=True,
        )
    if last == "Manager.Reset":
        return Intent("bmc.restart", thing(bmc, "manager"), bmc.place.host)
    if request.method == "PATCH":
        return _patch(bmc, parts, last, body)
    return Intent(f"bmc.{request.method.lower()}", thing(bmc, "other"), bmc.place.host, once=False)


def _patch(bmc: Bmc, parts: list[str], last: str, body: dict[str, Any]) -> Intent:
    if "Boot" in body:
        asked = body["Boot"] if isinstance(body["Boot"], dict) else {}
        key = "bmc.boot:" + "/".join(f"{asked[name]}" for name in sorted(asked))
        return Intent("bmc.boot", thing(bmc, "override"), bmc.place.host, key=key, begins=True)
    if last == "CfgCD":
        key = f"bmc.mount:{body.get('Host')}{body.get('Path')}"
        return Intent("bmc.mount", thing(bmc, "mount"), bmc.place.host, key=key, begins=True)
    if "DellAttributes" in parts:
        key = "bmc.attributes:" + json.dumps(body.get("Attributes"), sort_keys=True)
        return Intent("bmc.attributes", thing(bmc, "attributes"), bmc.place.host, key=key, begins=True)
    if "VirtualMedia" in parts:
        leaving = body.get("Image", "") is None or body.get("Inserted") is False
        return eject(bmc) if leaving else insert(bmc, body)
    if parts[-2:] == ["Bios", "Settings"]:
        key = "bmc.bios:" + json.dumps(body.get("Attributes"), sort_keys=True)
        return Intent("bmc.bios", thing(bmc, "bios"), bmc.place.host, key=key, begins=True)
    if last == "SecureBoot":
        key = f"bmc.secureboot:{body.get('SecureBootEnable')}"
        return Intent("bmc.secureboot", thing(bmc, "secureboot"), bmc.place.host, key=key, begins=True)
    return Intent("bmc.patch", thing(bmc, "other"), bmc.place.host, once=False)


def insert(bmc: Bmc, body: dict[str, Any]) -> Intent:
    key = f"bmc.insert:{body.get('Image')}"
    return Intent("bmc.insert", thing(bmc, "medium"), bmc.place.host, key=key, begins=True)


def eject(bmc: Bmc) -> Intent:
    return Intent("bmc.eject", thing(bmc, "medium"), bmc.place.host, begins=True)


def wipe(bmc: Bmc) -> Intent:
    """The installer has begun to write the disk; a second time from one inserted medium is a repeat."""
    return Intent("host.wipe", thing(bmc, "medium"), bmc.place.host)


def _reset(bmc: Bmc, kind: str) -> Intent:
    where = thing(bmc, "power")
    if kind in _ON:
        return Intent("bmc.reset", where, f"{bmc.place.host} {kind}", key="on", begins=True)
    if kind in _OFF:
        return Intent("bmc.reset", where, f"{bmc.place.host} {kind}", key=f"off:{kind}", undoes=("on",))
    return Intent("bmc.reset", where, f"{bmc.place.host} {kind}", key="restart", undoes=("on",))


def thing(bmc: Bmc, what: str) -> str:
    return f"bmc/{bmc.place.host}/{what}"


def observed(bmc: Bmc, request: Request, ledger: Ledger) -> None:
    """A look that was answered ends what is said once between two looks."""
    parts, site = request.parts, bmc.place.site
    if (parts[4:5] == ["VirtualMedia"] and len(parts) == 6) or parts[4:] == ["VM1"]:
        ledger.ended(site, thing(bmc, "medium"), "bmc.eject")
    elif parts[2:3] == ["Systems"] and len(parts) == 4 and bmc.booted:
        ledger.ended(site, thing(bmc, "power"), "restart")


def happened(bmc: Bmc, what: str, ledger: Ledger) -> None:
    """The machine moved by itself or by request: lives that end with it."""
    site = bmc.place.site
    if what == "off":
        for mark in ("on", "restart"):
            ledger.ended(site, thing(bmc, "power"), mark)
    elif what == "on":
        for mark in ("off:ForceOff", "off:GracefulShutdown"):
            ledger.ended(site, thing(bmc, "power"), mark)
    elif what == "booting":
        if not bmc.machine.override.stands:
            ledger.ended(site, thing(bmc, "override"), None)
        ledger.ended(site, thing(bmc, "attributes"), None)
        ledger.ended(site, thing(bmc, "bios"), None)
        ledger.ended(site, thing(bmc, "secureboot"), None)
    elif what == "wiping":
        repeat = ledger.seen(site, wipe(bmc))
        ledger.record(site, wipe(bmc), applied=True, repeat=repeat, status=0)


def _body(request: Request) -> dict[str, Any]:
    try:
        value = request.json()
    except (ValueError, UnicodeDecodeError):
        return {}
    return value if isinstance(value, dict) else {}
