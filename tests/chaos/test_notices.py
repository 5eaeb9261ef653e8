"""A notice survives the worker that was sending it, and its campaign continuing as new."""

from pathlib import Path

import yaml

from models.outcome import Outcome
from tests.support.listener import listener
from tests.support.simulator import simulator
from tests.support.stack import stack, until

SHORT_HISTORIES = ("limit.historyCount.suggestContinueAsNew=60",)


async def test_a_notice_in_the_hands_of_a_killed_worker_is_sent_again_under_its_id(tmp_path: Path) -> None:
    with listener() as heard:
        heard.open.clear()
        async with (
            simulator(tmp_path / "sim", sites=8, speed=480) as region,
            stack(tmp_path, region, dynamic_config=SHORT_HISTORIES) as house,
        ):
            document = yaml.safe_load(region.inventory.read_text())
            target = {"name": "ops", "webhook": f"{heard.url}/parked", "on": ["start", "end"]}
            region.inventory.write_text(yaml.safe_dump(document | {"notifications": [target]}))
            worker = await house.start_worker()
            handle = await house.start_campaign(
                "told", select={"all": True}, waves=[{"percent": 100}], window={"max_in_flight": 2}
            )
            first_run = (await handle.describe()).run_id

            async def arrived() -> bool:
                return bool(heard.arrived)

            await until(arrived, "the first notice")
            await worker.kill()
            heard.open.set()
            await house.start_worker()
            assert (await handle.result()).counts == {Outcome.SUCCEEDED: 8}
            latest = await house.client.get_workflow_handle(handle.id).describe()
            assert latest.run_id != first_run, "it has continued as new meanwhile"
            assert await region.repeats() == 0
    ids = [body["id"] for body in heard.arrived]
    assert set(ids) == {f"{first_run}/start/1", f"{first_run}/end/1"}
    assert ids.count(f"{first_run}/start/1") >= 2, "the negative control: the kill did hit a notice"
    assert ids.count(f"{first_run}/end/1") == 1
