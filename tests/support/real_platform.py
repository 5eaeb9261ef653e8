"""A backup whose platform is an archive as StarlingX's backup.yml makes it, and no simulated site's."""

import io
import tarfile
from datetime import timedelta
from pathlib import Path

from activities.archive.archives import Archives
from activities.archive.writing import PutSpec
from inventory.load import load_inventory
from models.archive import BackupId, Manifest
from models.backup import RECORD
from models.timing import Timing

MEMBERS = ("etc/build.info", "etc/platform/platform.conf", "opt/platform/config/26.03/hosts")


async def with_real_platform(inventory: Path, backup: str) -> str:
    """Another backup of the site a second later: the same record, a tar of the platform; its id."""
    declared = load_inventory(inventory)
    archives = Archives(lambda: declared, Timing())
    try:
        archive = await archives.of(backup)
        before = archive.reader.manifest(backup)
        id = before.id.model_copy(update={"began": before.id.began + timedelta(seconds=1)})
        writer = archive.writer(str(id))
        writer.begin("by a test")
        record = before.entry(RECORD)
        text = b"".join(archive.reader.read(before, RECORD))
        name = "subcloud_platform_backup_2026_11_22_01_51_12.tgz"
        about = {"file": name, "from": "controller", "folder": "/opt/dc-vault/backups/subcloud/26.03"}
        objects = (
            writer.put(PutSpec(RECORD, "record", record.about), iter((text,))),
            writer.put(PutSpec(f"platform/{name}", "platform", about), iter((_tar(),))),
        )
        fields = {"backup": str(id), "began": id.began, "objects": objects}
        sealed = writer.seal(before.model_copy(update=fields), archive.newest)
        return str(BackupId.parse(Manifest.model_validate(sealed).backup))
    finally:
        archives.close()


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in MEMBERS:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    return file.getvalue()
