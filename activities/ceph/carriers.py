"""What a carrying program in the site needs of Ceph: a user of its own, and the `rbd` that it runs.

The user is made for one Job and removed after it; it may read, or write, the images of one pool and do
nothing else. Its key goes from the cluster into the Job's Secret and is kept nowhere. `export-diff` writes
what is different between two snapshots, or all up to one; `import-diff` refuses a difference whose beginning
the image does not have, and makes the snapshot at its end only when it has read all of it.
"""

from dataclasses import dataclass
from typing import Any, Literal

from activities.ceph import reading
from activities.ceph.commands import CephPort, Command

CONF, KEYRING = "ceph.conf", "keyring"
PLACES = ("-c", f"{{folder}}/{CONF}", "--keyring", f"{{folder}}/{KEYRING}")
"""The files of the carriage."""

Way = Literal["send", "receive"]


@dataclass(frozen=True)
class CephUser:
    """client.NAME, for one pool."""

    name: str
    pool: str
    way: Way

    def __str__(self) -> str:
        return f"client.{self.name}"

    @property
    def capabilities(self) -> tuple[str, ...]:
        profile = "rbd-read-only" if self.way == "send" else "rbd"
        return ("mon", "profile rbd", "osd", f"profile {profile} pool={self.pool}")


async def admitted(port: CephPort, user: CephUser) -> dict[str, str]:
    """The user is there from now on; the files with which it logs in. Raises NoAnswer and Said."""
    made = await reading.ask_all(port, Command("auth get-or-create", (str(user), *user.capabilities)))
    found = await reading.ask(port, Command("mon dump"))
    hosts = ",".join(_addresses(each) for each in found["mons"])
    return {
        CONF: f"[global]\nfsid = {found['fsid']}\nmon host = {hosts}\n",
        KEYRING: f"[{user}]\nkey = {made[0]['key']}\n",
    }


async def sent_away(port: CephPort, name: str) -> None:
    """Nothing where it is gone. Raises NoAnswer and Said."""
    await reading.send(port, Command("auth rm", (f"client.{name}",)))


def exporting(user: CephUser, volume: str, snapshot: str, parent: str) -> tuple[str, ...]:
    since = ("--from-snap", parent) if parent else ()
    return (
        "rbd",
        *PLACES,
        "-n",
        str(user),
        "export-diff",
        "--no-progress",
        *since,
        f"{volume}@{snapshot}",
        "-",
    )


def importing(user: CephUser, image: str) -> tuple[str, ...]:
    return ("rbd", *PLACES, "-n", str(user), "import-diff", "--no-progress", "-", image)


def _addresses(monitor: dict[str, Any]) -> str:
    vector = (f"{each['type']}:{each['addr']}" for each in monitor["public_addrs"]["addrvec"])
    return f"[{','.join(vector)}]"
