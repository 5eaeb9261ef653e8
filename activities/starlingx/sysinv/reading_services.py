"""How a site's PTP, certificates, licence and routes are configured: sysinv's rows as our facts.

Of a licence only its digest is kept. PTP parameters come as `name=value` texts: a list, or since 2025 a list
for each section (config, master 2026-08).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from activities.starlingx.session import Cloud, listing
from activities.starlingx.sysinv.files import license_digest
from models.configuration import FoundPtpInstance, FoundPtpInterface, FoundRoute, Section

Row = dict[str, Any]
GLOBAL = "global"


async def table(cloud: Cloud, path: str, key: str) -> list[Row]:
    return listing(await cloud.get("sysinv", path), key)


async def _certificates(cloud: Cloud) -> Row:
    found: dict[str, tuple[str, ...]] = {}
    for row in await table(cloud, "/certificate", "certificates"):
        found[row["certtype"]] = (*found.get(row["certtype"], ()), row.get("signature") or "")
    return {"certificates": found}


async def _license(cloud: Cloud) -> Row:
    document = (await cloud.get("sysinv", "/license/get_license_file")).json()
    return {"license": license_digest(document.get("content") or "")}


async def _ptp(cloud: Cloud) -> Row:
    instances, interfaces = await asyncio.gather(
        table(cloud, "/ptp_instances", "ptp_instances"), table(cloud, "/ptp_interfaces", "ptp_interfaces")
    )
    found = {
        row["name"]: FoundPtpInstance(
            id=row["id"],
            uuid=row["uuid"],
            service=row["service"],
            parameters=_parameters(row.get("parameters")),
            interfaces={
                each["name"]: FoundPtpInterface(
                    id=each["id"], uuid=each["uuid"], parameters=_parameters(each.get("parameters"))
                )
                for each in interfaces
                if each.get("ptp_instance_name") == row["name"]
            },
        )
        for row in instances
    }
    return {"ptp": found}


async def _host_ptp(cloud: Cloud, uuid: str) -> Row:
    instances, interfaces = await asyncio.gather(
        table(cloud, f"/ihosts/{uuid}/ptp_instances", "ptp_instances"),
        table(cloud, f"/ihosts/{uuid}/ptp_interfaces", "ptp_interfaces"),
    )
    return {
        "ptp": tuple(row["name"] for row in instances),
        "ptp_interfaces": {row["name"]: tuple(row.get("interface_names") or ()) for row in interfaces},
    }


async def _subnets(cloud: Cloud) -> Row:
    found = await table(cloud, "/addrpools", "addrpools")
    return {
        "subnets": {row["name"]: f"{row['network']}/{row['prefix']}" for row in found if row.get("network")}
    }


async def _routes(cloud: Cloud, uuid: str) -> Row:
    found = tuple(
        FoundRoute(
            interface=row["ifname"],
            to=f"{row['network']}/{row['prefix']}",
            gateway=row["gateway"],
            metric=row.get("metric") or 1,
        )
        for row in await table(cloud, f"/ihosts/{uuid}/routes", "routes")
    )
    return {"routes": found}


def _parameters(found: Any) -> dict[str, str]:
    pairs = found.get(GLOBAL, ()) if isinstance(found, dict) else found or ()
    return dict(pair.split("=", 1) for pair in pairs)


OF_SITE: dict[Section, Callable[[Cloud], Awaitable[Row]]] = {
    "certificates": _certificates,
    "license": _license,
    "ptp": _ptp,
    "routes": _subnets,
}
OF_HOST: dict[Section, Callable[[Cloud, str], Awaitable[Row]]] = {
    "routes": _routes,
    "ptp": _host_ptp,
}
