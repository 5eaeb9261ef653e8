"""The resource tree of a BMC: paths with variables, and what each resource can do.

A resource is read by a function that builds its JSON from the state, and written by functions that change the
state. `{system}`, `{manager}` and `{chassis}` in a path stand for the flavour's own ids; other variables are
handed on. Whether a resource is there at all may depend on the flavour.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.bmc import messages
from simulator.bmc.accounts import Account, Session
from simulator.bmc.state import Bmc
from simulator.wire.http import Json, Refusal, Reply, Request

ROOT = "/redfish/v1"


@dataclass(slots=True)
class Call:
    """One request on its way to a resource."""

    bmc: Bmc
    request: Request
    names: dict[str, str] = field(default_factory=dict)
    account: Account | None = None
    session: Session | None = None
    spoils: frozenset[str] = frozenset()
    """What faults make of this request: lie (taken and not done), stick (the medium stays), vanish (the
    task's URLs are gone once it has ended)."""

    @property
    def path(self) -> str:
        return "/" + "/".join(self.request.parts)

    @property
    def system(self) -> str:
        return f"{ROOT}/Systems/{self.bmc.flavour.system}"

    @property
    def manager(self) -> str:
        return f"{ROOT}/Managers/{self.bmc.flavour.manager}"

    @property
    def chassis(self) -> str:
        return f"{ROOT}/Chassis/{self.bmc.flavour.chassis}"

    def body(self) -> Json:
        """The request's JSON object, empty without a body.

        Raises:
            Refusal: it is not one.
        """
        try:
            value: Any = self.request.json()
        except (ValueError, UnicodeDecodeError):
            value = 0
        if value is None:
            return {}
        if not isinstance(value, dict):
            text = "The request body submitted was malformed JSON and could not be parsed."
            raise messages.refuse(400, "MalformedJSON", text)
        return value

    def missing(self) -> Refusal:
        return messages.missing(self.path)


Get = Callable[[Call], Json]
Patch = Callable[[Call, Json], Awaitable[None] | None]
Post = Callable[[Call, Json], Reply | Awaitable[Reply]]
Delete = Callable[[Call], Reply]


def _always(_: Bmc) -> bool:
    return True


def _never(_: Json) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Resource:
    """One path of the tree."""

    path: str
    """Below /redfish/v1, such as `Systems/{system}/Bios`."""
    get: Get | None = None
    patch: Patch | None = None
    writable: tuple[str, ...] = ()
    """The properties that a PATCH may name."""
    post: Post | None = None
    delete: Delete | None = None
    privilege: str = "ConfigureComponents"
    """For writing; reading takes Login."""
    public: tuple[str, ...] = ()
    """Methods that need nobody to be logged in."""
    there: Callable[[Bmc], bool] = _always
    pending: Callable[[Json], bool] = _never
    """Whether a read of it is 202: what it stands for is still being done."""

    @property
    def methods(self) -> tuple[str, ...]:
        can = (
            (self.get, ("GET", "HEAD")),
            (self.patch, ("PATCH",)),
            (self.post, ("POST",)),
            (self.delete, ("DELETE",)),
        )
        return tuple(method for way, methods in can if way is not None for method in methods)


class Tree:
    """Finds the resource of a path."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._top: dict[str, Any] = {}
        for resource in resources:
            here = self._top
            for part in resource.path.split("/") if resource.path else ():
                here = here.setdefault("*" if part.startswith("{") else part, {})
            here.setdefault("", []).append(resource)

    def find(self, bmc: Bmc, parts: list[str]) -> tuple[Resource, dict[str, str]] | None:
        """The resource and the variables of its path; `parts` are those below /redfish/v1."""
        here: dict[str, Any] = self._top
        for part in parts:
            below = here.get(part, here.get("*"))
            if below is None:
                return None
            here = below
        return next(self._fitting(bmc, here.get("", ()), parts), None)

    def _fitting(
        self, bmc: Bmc, candidates: Iterable[Resource], parts: list[str]
    ) -> Iterator[tuple[Resource, dict[str, str]]]:
        flavour = bmc.flavour
        own = {"system": flavour.system, "manager": flavour.manager, "chassis": flavour.chassis}
        for resource in candidates:
            pattern = resource.path.split("/") if resource.path else []
            names = {
                mask[1:-1]: part for mask, part in zip(pattern, parts, strict=True) if mask.startswith("{")
            }
            if all(names.get(name, id) == id for name, id in own.items()) and resource.there(bmc):
                yield resource, names


def resource(path: str, kind: str, name: str, **properties: Any) -> Json:
    """The JSON of a resource; `kind` is such as `ComputerSystem.v1_22_0`."""
    body: Json = {
        "@odata.id": path,
        "@odata.type": f"#{kind}.{kind.split('.')[0]}",
        "Id": path.rstrip("/").rsplit("/", 1)[-1],
        "Name": name,
    }
    return body | properties


def collection(path: str, kind: str, name: str, ids: Iterable[str]) -> Json:
    """`kind` is that of the members, such as `Drive`."""
    members = [link(f"{path}/{one}") for one in ids]
    return {
        "@odata.id": path,
        "@odata.type": f"#{kind}Collection.{kind}Collection",
        "Name": name,
        "Members@odata.count": len(members),
        "Members": members,
    }


def link(path: str) -> Json:
    return {"@odata.id": path}


def status(state: str = "Enabled", health: str = "OK") -> Json:
    return {"State": state, "Health": health}


def dump(value: Json) -> bytes:
    return json.dumps(value).encode()
