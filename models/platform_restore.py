"""What `RestorePlatform` asks of controller-0 of a site that is restored by its own playbooks, over SSH."""

from models.archive import BackupText, ObjectName
from models.base import Frozen, Name
from models.bootstrap import InstalledHost
from models.timing import Timing

CARRIED = "restore"
"""What is brought to the host for it lies in `starflock-restore` of the home."""


class RestorableRef(Frozen):
    site: Name
    backup: BackupText
    needed: bool = True
    """Without it a host that does not answer, or shows another key, is told in words: it is to be wiped."""


class RestorableHost(Frozen):
    """What restore_platform.yml would find on the host, and what our records say of this restore."""

    installed: InstalledHost | None = None
    """None: nobody was there, or nobody to be trusted."""
    silence: str = ""
    """Why."""
    playbook: bool = False
    """restore_platform.yml is there."""
    restoring: bool = False
    """A restore has begun on it; until it is complete the playbook begins no other."""
    release: str = ""
    """Such as 26.03."""
    system_type: str = ""
    """All-in-one or Standard, as the host was installed; empty where it does not say."""
    begun: bool = False
    """A run of ours has begun to restore this very backup, and none has ended it."""
    installed_for_it: bool = False
    """And has installed the host for it."""
    timing: Timing = Timing()
    attempt: int = 1


class CarryArchiveRequest(Frozen):
    """Bring one object of a backup to the host, or go on with it."""

    site: Name
    backup: BackupText
    name: ObjectName
