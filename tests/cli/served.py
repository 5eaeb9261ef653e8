"""What the served tests share: a folder with a campaign file, and commands that see its server."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.cli.conftest import Said, spawned
from tests.support.stack import Stack

RELEASE = "starlingx-26.03.1"


@dataclass
class Desk:
    """Where an operator sits."""

    folder: Path
    env: dict[str, str]

    async def __call__(self, *arguments: str) -> Said:
        said = await spawned(*arguments, cwd=self.folder, **self.env)
        assert "Traceback" not in said.err, said.err
        return said

    def campaign(self, name: str, **more: object) -> str:
        """Writes a campaign file; its name."""
        spec = {"name": name, "operation": {"kind": "patch", "release": RELEASE}, **more}
        file = f"{name}.yaml"
        (self.folder / file).write_text(yaml.safe_dump(spec))
        return file


def desk_at(house: Stack, folder: Path) -> Desk:
    """One that sees this server, its inventory and its records."""
    env = {
        "TEMPORAL_ADDRESS": house.server.address,
        "STARFLOCK_INVENTORY": str(house.simulator.inventory),
        "STARFLOCK_DATA": str(house.folder),
        "STARFLOCK_UI": "http://ui",
    }
    return Desk(folder, env)


def children(pid: int) -> set[int]:
    """All processes below one."""
    try:
        direct = {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except FileNotFoundError:
        return set()
    return direct.union(*(children(each) for each in direct)) if direct else direct


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
