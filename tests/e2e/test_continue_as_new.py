"""A campaign that has continued as new still knows its children."""

from pathlib import Path

from models.outcome import Outcome
from tests.support.simulator import simulator
from tests.support.stack import stack, until

SHORT_HISTORIES = ("limit.historyCount.suggestContinueAsNew=60",)


async def test_a_child_terminated_after_continue_as_new_is_noticed_and_others_go_on(tmp_path: Path) -> None:
    async with (
        simulator(tmp_path / "sim", sites=12) as region,
        stack(tmp_path, region, dynamic_config=SHORT_HISTORIES) as house,
    ):
        await house.start_worker()
        handle = await house.start_campaign(
            "long",
            select={"all": True},
            waves=[{"percent": 100}],
            window={"max_in_flight": 3},
            budget={"failed": 12},
        )
        first = (await handle.describe()).run_id
        latest = house.client.get_workflow_handle(handle.id)

        async def continued_with_a_site_at_work() -> str:
            if (await latest.describe()).run_id == first:
                return ""
            for name in (await house.progress(latest)).in_flight:
                entries = await region.mutations(name)
                if entries and entries[-1] == "vim.apply":
                    return name
            return ""

        victim = await until(continued_with_a_site_at_work, "continue-as-new with a site at work")
        await house.client.get_workflow_handle(f"site/{victim}").terminate("by hand")
        result = await handle.result()
        assert result.counts == {Outcome.SUCCEEDED: 11, Outcome.TERMINATED: 1}
        (run,) = [run for run in await house.site_runs("long") if run.site == victim]
        assert run.outcome is Outcome.TERMINATED
        assert await region.repeats() == 0
