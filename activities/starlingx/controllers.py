"""How the system controllers of a campaign's sites stand, and what release those sites run."""

from dataclasses import dataclass

from temporalio import activity

from activities.starlingx.directory import Directory
from activities.starlingx.errors import translated
from models.controllers import Controllers, ControllersRequest, ControllerStanding, product_version


@dataclass
class ControllerActivities:
    directory: Directory

    @activity.defn
    async def look_at_controllers(self, request: ControllersRequest) -> Controllers:
        """In the order in which the sites come. Raises Transient while one does not answer."""
        found = []
        for name, sites in self._by_controller(request.sites).items():
            with translated():
                view = await self.directory.view(name)
            versions: dict[str, list[str]] = {}
            for site, subcloud in sites.items():
                if subcloud in view.subclouds:
                    versions.setdefault(view.subclouds[subcloud].software_version, []).append(site)
            states = {each.release: each.state for each in view.releases}
            found.append(
                ControllerStanding(
                    name=name,
                    release_state=states.get(request.release, ""),
                    is_deploying=view.deployment is not None,
                    majors=tuple(sorted({product_version(release) for release in states})),
                    versions={version: tuple(names) for version, names in versions.items() if version},
                )
            )
        return Controllers(standing=tuple(found), attempt=activity.info().attempt)

    def _by_controller(self, names: tuple[str, ...]) -> dict[str, dict[str, str]]:
        """Controller -> its sites -> their names in dcmanager."""
        found: dict[str, dict[str, str]] = {}
        for name in names:
            site = self.directory.site(name)
            if site is not None:
                found.setdefault(site.system_controller, {})[name] = site.subcloud_name
        return found
