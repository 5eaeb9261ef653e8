"""`python -m benchmarks.standin_worker`: a worker as shipped, with the stand-in in PatchSite's place.

Campaign, ticks and records are the product's. `STARFLOCK_BENCH_DURATIONS` names the file with the durations
of the stand-in's waits.
"""

import os
from pathlib import Path

from benchmarks.serving import serve
from benchmarks.standin import Durations, StandInActivities, StandInPatchSite
from workflows.campaign import FleetCampaign

DURATIONS = "STARFLOCK_BENCH_DURATIONS"


if __name__ == "__main__":
    durations = Durations.model_validate_json(Path(os.environ[DURATIONS]).read_bytes())
    serve([StandInPatchSite, FleetCampaign], lambda real: [StandInActivities(durations).step, *real])
