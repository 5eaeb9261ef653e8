"""`python -m benchmarks.backup_standin_worker`: a worker as shipped, with stand-ins for sites and dcmanager.

Campaign, `BackupSite`, archive, catalogue and records are the product's; see `benchmarks.backup_standin`.
`STARFLOCK_BENCH_NIGHT` names the file with what happens at each site.
"""

import os
from pathlib import Path

from activities.archive.activities import ArchiveActivities
from benchmarks.backup_standin import Night, SiteStandIns
from benchmarks.serving import Activities, serve
from workflows.backup import BackupSite
from workflows.campaign import FleetCampaign
from workflows.catalogue import ListBackups, VerifyArchived

NIGHT = "STARFLOCK_BENCH_NIGHT"


def stood_in_for(real: Activities, night: Night) -> Activities:
    """Those of the archive stay, and the stand-ins write to it."""
    (archive,) = (
        each.__self__
        for each in real
        if each.__name__ == "open_backup" and isinstance(each.__self__, ArchiveActivities)
    )
    stand_ins = SiteStandIns(night, archive.archives).all()
    names = {each.__name__ for each in stand_ins}
    return [*stand_ins, *(each for each in real if each.__name__ not in names)]


if __name__ == "__main__":
    found = Night.model_validate_json(Path(os.environ[NIGHT]).read_bytes())
    workflows = [BackupSite, FleetCampaign, ListBackups, VerifyArchived]
    serve(workflows, lambda real: stood_in_for(real, found))
