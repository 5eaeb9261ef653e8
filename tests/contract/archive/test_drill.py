"""A drill against a real RGW: the twin only reads it, by a credential out of the environment."""

import json
from pathlib import Path

import yaml

from models.outcome import Outcome
from tests.cli.conftest import spawned
from tests.contract.archive.conftest import BUCKET
from tests.support.backups import OPTIONS, BackupBench, declare_archive
from tests.support.radosgw import Radosgw
from tests.support.simulator import simulator
from tests.support.stack import stack

SITE = "edge-0001"


async def test_a_backup_in_a_bucket_is_drilled(rgw: Radosgw, tmp_path: Path) -> None:
    secrets = {"STARFLOCK_STORE_SECRET": rgw.secret_key}
    async with simulator(tmp_path / "sim", sites=1, options=(*OPTIONS, "--controller-ssh")) as region:
        declare_archive(region.inventory)
        document = yaml.safe_load(region.inventory.read_text())
        del document["archives"][0]["directory"]
        document["archives"][0] |= {
            "prefix": "drill",
            "s3": {"endpoint": rgw.endpoint, "bucket": BUCKET},
            "credential": {"access_key": "file:access", "secret_key": "env:STARFLOCK_STORE_SECRET"},
        }
        access = region.inventory.parent / "access"
        access.write_text(rgw.access_key)
        access.chmod(0o600)
        region.inventory.write_text(yaml.safe_dump(document))
        async with stack(tmp_path, region, STARFLOCK_STORE_SECRET=rgw.secret_key) as running:
            await running.start_worker()
            made = await BackupBench(running, region).back_up(SITE)
            assert made.outcome is Outcome.SUCCEEDED, made.reason
        before = _keys(rgw)
        given = (
            "backup",
            "drill",
            SITE,
            "--speed",
            "600",
            "--inventory",
            str(region.inventory),
            "-o",
            "json",
        )
        said = await spawned(*given, cwd=tmp_path, **secrets)
    assert (said.code, json.loads(said.out)["good"]) == (0, True), said
    new = sorted(key.removeprefix(f"drill/{made.backup}/").split("/")[0] for key in _keys(rgw) - before)
    assert new == ["drilled", "verified"]


def _keys(rgw: Radosgw) -> set[str]:
    found = rgw.client.list_objects_v2(Bucket=BUCKET, Prefix="drill/")
    return {each["Key"] for each in found["Contents"]}
