"""Records as a campaign of three sites would leave them; a test changes the field it is about."""

from datetime import UTC, datetime, timedelta

from models.outcome import Outcome
from models.records import CampaignRun, Mark, SiteRun, StepTime
from models.site import Alarm

BEGAN = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)


def run(run_id: str = "r-1", site: str = "edge-1", minutes: int = 20, **changes: object) -> SiteRun:
    base = SiteRun(
        run_id=run_id,
        site=site,
        operation="patch",
        release="starlingx-26.03.1",
        campaign="spring",
        wave=2,
        region="north",
        outcome=Outcome.SUCCEEDED,
        reason="verified",
        began=BEGAN,
        ended=BEGAN + timedelta(minutes=minutes),
        version_before="starlingx-25.09.2",
        version_after="starlingx-26.03.1",
        alarms_before=(Alarm(alarm_id="800.001", entity="c", severity="critical", mgmt_affecting=True),),
        alarms_after=(Alarm(alarm_id="100.114", entity="n", severity="minor", mgmt_affecting=False),),
        steps=(StepTime(name="gates", began=BEGAN, ended=BEGAN + timedelta(seconds=3), attempts=2),),
        retries=1,
        strategy="4f1c",
        evidence=("vim: applied",),
    )
    return base.model_copy(update=changes)


def campaign(first_run_id: str = "c-1", name: str = "spring", **changes: object) -> CampaignRun:
    base = CampaignRun(
        first_run_id=first_run_id, name=name, spec_json="{}", inventory_hash="9b", members=3, began=BEGAN
    )
    return base.model_copy(update=changes)


def mark(value: str = "uuid-1", **changes: object) -> Mark:
    return Mark(site="edge-1", kind="vim-strategy", value=value, run_id="r-1", made=BEGAN).model_copy(
        update=changes
    )
