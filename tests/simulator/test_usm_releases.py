"""Releases of the simulated USM: uploaded, deleted, committed, and the words for what went wrong."""

import asyncio
import json
from pathlib import Path

import pytest

from .usm_table import FAST, Usm, later, plant, said


@pytest.fixture
def sx(tmp_path: Path) -> Usm:
    return Usm(tmp_path)


@pytest.fixture
def fast(tmp_path: Path) -> Usm:
    return Usm(tmp_path, speed=FAST)


def form(*names: str) -> tuple[bytes, dict[str, str]]:
    """As the stock client sends it: the part's name is the file's path."""
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\nbytes\r\n'
        for name in names
    )
    return (parts + "--b--\r\n").encode(), {"Content-Type": "multipart/form-data; boundary=b"}


async def test_patches_are_uploaded_and_deleted(fast: Usm) -> None:
    del fast.cloud.usm.states[fast.patch], fast.cloud.usm.states[fast.reboot_patch]
    body, headers = form(f"/home/sysadmin/{fast.patch}.patch", "/home/sysadmin/nosuch.patch")
    reply = fast.ask("POST", "/release", body, **headers)
    assert reply.later is not None
    answer = await asyncio.wait_for(reply.later, 20)
    said_ = json.loads(answer.body)
    assert (answer.status, said_["error"]) == (200, "Failed to upload release nosuch\n")
    assert said_["upload_info"] == [{f"{fast.patch}.patch": {"id": fast.patch, "sw_release": "26.03.1"}}]
    local = json.dumps([f"/opt/{fast.reboot_patch}.patch"]).encode()
    reply = fast.ask("POST", "/release", local, **{"Content-Type": "text/plain"})
    assert await later(reply) == (200, f"{fast.reboot_patch} is now uploaded\n")
    assert fast.cloud.usm.states[fast.patch] == "available"
    assert said(fast.ask("DELETE", f"/release/{fast.patch}")) == (200, f"{fast.patch} has been deleted\n")
    first = min(fast.cloud.catalogue)
    words = f"Release {fast.patch} can not be found\nRelease {first} is not ready to be deleted\n"
    assert said(fast.ask("DELETE", f"/release/{first}/{fast.patch}")) == (406, words)


async def test_a_path_that_is_not_there_and_a_strange_ending_are_refused(sx: Usm) -> None:
    local = json.dumps(["/opt/nosuch.patch"]).encode()
    refused = said(sx.ask("POST", "/release", local, **{"Content-Type": "text/plain"}))
    assert refused == (406, "File(s) not found on the active controller: nosuch.patch")
    body, headers = form("notes.txt")
    assert said(sx.ask("POST", "/release", body, **headers))[1].startswith("The file extension is not")
    assert said(sx.ask("POST", "/release")) == (406, "No files uploaded")


async def test_an_iso_is_uploading_until_it_is_available(tmp_path: Path) -> None:
    slow = Usm(tmp_path, major="")
    body, headers = form(f"{slow.major}.iso", f"{slow.major}.sig")
    assert slow.ask("POST", "/release", body, **headers).later is not None
    assert slow.cloud.usm.states[slow.major] == "uploading"
    fast = Usm(tmp_path, speed=FAST, major="")
    plant(fast, "edge-0001", "usm.upload", "fail", times=1)
    assert (await later(fast.ask("POST", "/release", body, **headers)))[0] == 406
    assert fast.cloud.usm.states[fast.major] == "upload-failed"
    assert fast.ask("DELETE", f"/release/{fast.major}").status == 200
    assert (await later(fast.ask("POST", "/release", body, **headers)))[0] == 200
    assert fast.cloud.usm.states[fast.major] == "available"
    assert said(fast.ask("POST", "/release", body, **headers)) == (
        406,
        "Major releases ['26.03', '26.09'] have already been uploaded. Max major releases is 2",
    )


async def test_an_iso_without_its_signature_is_told_by_a_200(sx: Usm) -> None:
    body, headers = form(f"{sx.major}.iso")
    reply = sx.ask("POST", "/release", body, **headers)
    assert (reply.status, said(reply)[1]) == (200, "Missing upgrade file or signature file\n")
    assert reply.applied is False


async def test_a_committed_release_runs_on_and_is_never_available_again(sx: Usm) -> None:
    usm = sx.cloud.usm
    usm.states[sx.patch] = "deployed"
    assert sx.ask("POST", f"/release/{sx.reboot_patch}/commit").body.find(b"cannot be committed") > 0
    assert said(sx.ask("POST", f"/release/{sx.patch}/commit"))[1] == "The releases have been committed."
    assert {usm.states[name] for name in (sx.patch, min(usm.states))} == {"committed"}
    assert usm.running == sx.patch
    assert sx.ask("GET", f"/release/{sx.patch}/is_committed").body == b"true"
