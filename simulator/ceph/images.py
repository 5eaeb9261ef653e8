"""RBD images of a site: the volumes of its VMs, as Cinder and Nova keep them, and their snapshots.

Cinder's are `volume-UUID` in the pool `cinder-volumes`, Nova's own disks `UUID_disk` in `ephemeral`. There is
nothing in them. `rbd` is answered as 16.2.15 does, for `ls -l`, `snap create` and `snap rm`.
"""

import errno
import zlib
from dataclasses import dataclass, field

from simulator.wire.http import Json

SIZE_BYTES = 20 << 30


@dataclass(slots=True)
class Image:
    pool: str
    name: str
    snapshots: dict[str, int] = field(default_factory=dict)
    """With their ids."""

    @property
    def id(self) -> str:
        return f"{zlib.crc32(f'{self.pool}/{self.name}'.encode()):012x}"


@dataclass(slots=True)
class Images:
    """Those of one site."""

    known: dict[str, Image] = field(default_factory=dict)
    made: int = 0
    """Snapshots, ever."""

    def there_are(self, specs: list[str]) -> None:
        for spec in specs:
            if spec not in self.known:
                pool, _, name = spec.partition("/")
                self.known[spec] = Image(pool, name)

    def run(self, command: list[str]) -> tuple[int, object, str]:
        """Exit code, JSON, words; `command` without options of rbd itself."""
        words = [word for word in command if word != "--no-progress"]
        if words[:4] == ["ls", "-l", "--format", "json"] and len(words) == 5:
            return self._list(words[4])
        if words[:1] == ["snap"] and len(words) == 3:
            return self._snap(words[1], words[2])
        return errno.EINVAL, None, f"rbd: unknown command '{' '.join(words)}'"

    def _list(self, pool: str) -> tuple[int, object, str]:
        found = [one for one in self.known.values() if one.pool == pool]
        if not found:
            words = f"rbd: error opening pool '{pool}': (2) No such file or directory"
            return errno.ENOENT, None, words
        rows: list[Json] = []
        for one in found:
            row = {"image": one.name, "id": one.id, "size": SIZE_BYTES, "format": 2}
            rows.append(row)
            for name, number in one.snapshots.items():
                rows.append({**row, "snapshot": name, "snapshot_id": number, "protected": "false"})
        return 0, rows, ""

    def _snap(self, verb: str, spec: str) -> tuple[int, object, str]:
        image, _, name = spec.partition("@")
        found = self.known.get(image)
        if found is None:
            words = f"rbd: error opening image {image.partition('/')[2]}: (2) No such file or directory"
            return errno.ENOENT, None, words
        if verb == "create" and name not in found.snapshots:
            self.made += 1
            found.snapshots[name] = self.made
            return 0, None, ""
        if verb == "create":
            return errno.EEXIST, None, "rbd: failed to create snapshot: (17) File exists"
        if verb == "rm" and found.snapshots.pop(name, None) is not None:
            return 0, None, ""
        return errno.ENOENT, None, f"rbd: failed to remove snapshot '{name}': (2) No such file or directory"
