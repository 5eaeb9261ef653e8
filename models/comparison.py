"""Port of the rules on configuration towards activities, which look, ask here what it means, and act."""

from collections.abc import Iterable
from typing import Protocol

from models.acceptance import AcceptanceFacts, Check
from models.configuration import Change, FoundHost, FoundSystem, Section
from models.edits import Edit
from models.inventory import Host
from models.kubernetes import WantedCluster
from models.material import Material
from models.profile import SiteProfile
from models.site import Alarm


class Comparison(Protocol):
    """`rules.comparison`."""

    def wanted_cluster(
        self,
        profile: SiteProfile,
        hosts: tuple[Host, ...],
        found: tuple[FoundHost, ...],
        applied: Iterable[str],
    ) -> WantedCluster: ...
    def site_edits(
        self, section: Section, profile: SiteProfile, material: Material, found: FoundSystem
    ) -> list[Edit]: ...
    def host_edits(
        self, section: Section, profile: SiteProfile, host: FoundHost, site: FoundSystem
    ) -> list[Edit]: ...
    def complaints(
        self, profile: SiteProfile, material: Material, site: FoundSystem, hosts: tuple[FoundHost, ...]
    ) -> tuple[str, ...]: ...
    def host_complaints(
        self, hosts: tuple[Host, ...], names: dict[str, str], serving: str
    ) -> tuple[str, ...]: ...
    def in_order(self, hosts: tuple[Host, ...], profile: SiteProfile) -> tuple[Host, ...]: ...
    def unsettled(
        self,
        found: FoundSystem,
        alarms: tuple[Alarm, ...],
        applied: tuple[str, ...],
        gone: tuple[str, ...] = (),
    ) -> str: ...
    def checks(
        self,
        profile: SiteProfile,
        declared: tuple[Host, ...],
        differences: tuple[Change, ...],
        looks: tuple[AcceptanceFacts, ...],
        certificate_days: int,
    ) -> tuple[Check, ...]: ...
