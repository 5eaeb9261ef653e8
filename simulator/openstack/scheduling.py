"""Nova's scheduler, as far as a small site needs it: services, room, groups.

A host is taken when its nova-compute is up and enabled, the server fits, and the policy of its group lets it:
none of an anti-affinity group where another member is, all of an affinity group where the others are.
"""

from dataclasses import dataclass, field

from simulator.openstack import capacity
from simulator.openstack.servers import Server
from simulator.wire.http import Json


@dataclass(slots=True)
class Group:
    id: str
    name: str
    policy: str
    most: int = 1
    """Members of an anti-affinity group that one host may have."""

    def view(self, members: list[str], microversion: tuple[int, int]) -> Json:
        body: Json = {"id": self.id, "name": self.name, "members": members, "metadata": {}}
        if microversion < (2, 64):
            return body | {"policies": [self.policy]}
        rules = {"max_server_per_host": self.most} if self.policy == "anti-affinity" else {}
        return body | {"policy": self.policy, "rules": rules}


@dataclass(slots=True)
class Scheduler:
    groups: dict[str, Group] = field(default_factory=dict)

    def fits(self, server: Server, host: str, known: "list[Server]") -> bool:
        there = [one for one in known if one.host == host and one is not server]
        if capacity.cell_for(server, there) is None:
            return False
        group = self.groups.get(server.group or "")
        if group is None:
            return True
        others = [one for one in known if one.group == group.id and one is not server and one.host]
        if group.policy == "anti-affinity":
            return sum(one.host == host for one in others) < group.most
        if group.policy == "affinity":
            return all(one.host == host for one in others)
        return True
