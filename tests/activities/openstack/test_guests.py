"""Which VM has an RBD image: by the names that Cinder and Nova give their images."""

from typing import Any

from activities.openstack.guests import guest_of, guests_of
from models.guests import Guest, GuestVolumes

WEB, DB = "5d9c7a34-0000-4000-8000-000000000001", "5d9c7a34-0000-4000-8000-000000000002"
ROOT, SHARED = "9b1f7a34-0000-4000-8000-00000000000a", "9b1f7a34-0000-4000-8000-00000000000b"


def server(id: str, name: str, *volumes: str, **more: Any) -> dict[str, Any]:
    attached = [{"id": each} for each in volumes]
    return {"id": id, "name": name, "os-extended-volumes:volumes_attached": attached, **more}


def test_volumes_of_cinder_and_disks_of_nova_are_told_by_their_images_names() -> None:
    servers = [server(WEB, "web", SHARED), server(DB, "db", ROOT, SHARED)]
    names = {
        "root": f"cinder-volumes/volume-{ROOT}",
        "shared": f"cinder-volumes/volume-{SHARED}",
        "disk": f"ephemeral/{WEB}_disk",
        "swap": f"ephemeral/{WEB}_disk.swap",
        "gone": f"ephemeral/{SHARED}_disk",
        "image": f"images/{WEB}",
        "else": f"kube-rbd/csi-vol-{ROOT}",
    }
    found = guests_of(list(names.values()), servers)
    assert found.guests == (
        GuestVolumes(id=DB, name="db", volumes=(names["root"],)),
        GuestVolumes(id=WEB, name="web", volumes=(names["disk"], names["swap"])),
    )
    assert found.unclear == {names["shared"]: "several VMs have it: db, web"}


def test_a_migrated_volume_is_found_by_the_name_that_its_image_has_now() -> None:
    servers, spec = [server(DB, "db", ROOT)], f"cinder-volumes/volume-{SHARED}"
    assert guests_of([spec], servers).guests == ()
    found = guests_of([spec], servers, {SHARED: ROOT})
    assert found.guests == (GuestVolumes(id=DB, name="db", volumes=(spec,)),)


def test_a_vm_is_stopped_where_nothing_writes_and_nothing_is_about_to() -> None:
    def seen(status: str, task: str | None = None) -> Guest:
        fields = {"OS-EXT-SRV-ATTR:host": "compute-0", "status": status, "OS-EXT-STS:task_state": task}
        return guest_of(server(WEB, "web", **fields))

    assert [seen(each).is_stopped for each in ("SHUTOFF", "SHELVED_OFFLOADED")] == [True, True]
    assert [seen(each).is_stopped for each in ("ACTIVE", "PAUSED", "SUSPENDED")] == [False, False, False]
    assert not seen("SHUTOFF", "powering-on").is_stopped
