"""USM's releases: uploaded, deleted and committed (update 51560ae).

A file names its release: `starlingx-26.03.2.patch`, or `starlingx-26.09.0.iso` with its `.sig`. An upload is
answered when it has ended, minutes later for an ISO, which shows as `uploading` meanwhile. What goes wrong
with one of several patches is told by a 200 whose `error` is not empty.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import PurePosixPath

from simulator.cloud.cloud import Cloud
from simulator.cloud.usm_rules import FIRST, RejectedError
from simulator.dcmanager.multipart import lenient_form
from simulator.proof.ledger import Intent
from simulator.services.usm_reply import done, rejected, rejection
from simulator.wire.http import Reply, Request, json_reply, text_reply

_PATCH_SECONDS, _ISO_SECONDS = 20.0, 240.0
_DELETABLE = ("available", "unavailable", "upload-failed")
_MOST_MAJORS = {"subcloud": 2, "systemcontroller": 3}


def intent(request: Request, parts: list[str]) -> Intent:
    """`parts` without the leading `release`."""
    if request.method == "POST" and not parts:
        names = ",".join(sorted({name for name, _ in _files(request)}))
        return Intent("usm.upload", f"release/{names}", names, undoes=("usm.delete_release",))
    names = ",".join(sorted(parts if request.method == "DELETE" else parts[:1]))
    if request.method == "DELETE":
        return Intent("usm.delete_release", f"release/{names}", names, undoes=("usm.upload",))
    verb = parts[-1] if parts else ""
    return Intent(f"usm.{verb}", f"release/{names}", names, once=verb == "commit")


def change(cloud: Cloud, request: Request, parts: list[str]) -> Reply:
    if request.method == "POST" and not parts:
        return _upload(cloud, request)
    if request.method == "DELETE" and parts:
        return _delete(cloud, sorted(set(parts)))
    if request.method == "POST" and len(parts) >= 2 and parts[-1] in ("commit", "commit_dry_run"):
        return _commit(cloud, parts[:-1], dry=parts[-1] == "commit_dry_run")
    return text_reply("404 Not Found", 404)


def _files(request: Request) -> list[tuple[str, str]]:
    """(release, extension) of each file, whichever way they were named."""
    return [(path.stem, path.suffix) for path in _paths(request)]


def _paths(request: Request) -> list[PurePosixPath]:
    if _are_local(request):
        try:
            names = json.loads(request.body)
        except ValueError:
            names = []
    else:
        names = list(lenient_form(request))
    return sorted(PurePosixPath(str(name)) for name in names) if isinstance(names, list) else []


def _are_local(request: Request) -> bool:
    """On the active controller, by the body of `software upload --local`."""
    return request.headers.get("Content-Type", "").startswith("text/plain")


def _upload(cloud: Cloud, request: Request) -> Reply:
    files = _files(request)
    if not files:
        raise rejected("No files uploaded")
    missing = [
        path.name
        for path in _paths(request)
        if path.stem not in cloud.catalogue or not cloud.hooks.has_file(str(path))
    ]
    if _are_local(request) and missing:
        raise rejected(f"File(s) not found on the active controller: {', '.join(missing)}")
    if any(kind not in (".patch", ".iso", ".sig") for _, kind in files):
        words = "The file extension is not supported. Supported extensions include .patch, .iso and .sig"
        raise rejected(words)
    images = [name for name, kind in files if kind in (".iso", ".sig")]
    if images:
        return _image(cloud, images)
    return _later(cloud, _PATCH_SECONDS * len(files), lambda: _patches(cloud, [name for name, _ in files]))


def _image(cloud: Cloud, names: list[str]) -> Reply:
    """A major release: the ISO and its signature."""
    if len(names) != 2 or len(set(names)) != 1:
        body = {"info": "", "warning": "", "error": "Missing upgrade file or signature file\n"}
        reply = json_reply(body | {"upload_info": []})
        reply.applied = False
        return reply
    if cloud.active.name != FIRST:
        raise RejectedError(info="Upload can only be performed on controller-0.")
    name, usm = names[0], cloud.usm
    release = cloud.catalogue.get(name)
    if release is None:
        raise rejected(f"Software {name}.iso:{name}.sig signature validation failed")
    about = {f"{name}.iso": {"id": name, "sw_release": release.sw_version}}
    if release.version == usm.release.version:
        words = f"Uploaded release {release.sw_version} is the same as current release on the controller"
        return done(words, upload_info=[about])
    majors = sorted({cloud.catalogue[one].version for one in usm.states})
    most, role = _MOST_MAJORS[cloud.identity.role], cloud.identity.role
    if len(majors) >= most:
        where = " in system controller" if role == "systemcontroller" else ""
        raise rejected(
            f"Major releases {majors} have already been uploaded{where}. Max major releases is {most}"
        )
    if usm.release.version not in release.upgrades:
        current = usm.release.version
        raise rejected(f"Current release {current} not supported to upgrade to {release.sw_version}")
    usm.states[name] = "uploading"
    fails = cloud.hooks.fails("usm.upload")

    def ended() -> Reply:
        usm.states[name] = "upload-failed" if fails else "available"
        if fails:
            cloud.life_ended(f"release/{name}", None)
            return rejection(f"Failed to upload release {name}")
        return done(f"{name} is now uploaded\n", upload_info=[about])

    return _later(cloud, _ISO_SECONDS, ended)


def _patches(cloud: Cloud, names: list[str]) -> Reply:
    usm, info, error, about = cloud.usm, "", "", []
    for name in names:
        state = usm.states.get(name)
        if name not in cloud.catalogue or cloud.hooks.fails("usm.upload"):
            error += f"Failed to upload release {name}\n"
            cloud.life_ended(f"release/{name}", None)
            continue
        if state is None:
            usm.states[name] = "available"
            info += f"{name} is now uploaded\n"
        elif state == "available":
            info += f"{name} is already uploaded. Updated metadata only\n"
        elif state == "committed":
            info += f"{name} is committed. Metadata not updated\n"
        else:
            info += f"{name} is not currently in available state to be deployed.\n"
        about.append({f"{name}.patch": {"id": name, "sw_release": cloud.catalogue[name].sw_version}})
    return json_reply({"info": info, "warning": "", "error": error, "upload_info": about})


def _later(cloud: Cloud, seconds: float, end: Callable[[], Reply]) -> Reply:
    """The answer that comes when the work has ended; the work ends without the caller, too."""
    reply = done("")
    reply.later = asyncio.get_running_loop().create_future()
    answer = reply.later

    def ended() -> None:
        given = end()
        if not answer.cancelled():
            answer.set_result(given)

    cloud.clock.later(seconds, ended)
    return reply


def _delete(cloud: Cloud, names: list[str]) -> Reply:
    states = cloud.usm.states
    unknown = [name for name in names if name not in states]
    standing = [name for name in names if name in states and states[name] not in _DELETABLE]
    words = ""
    if unknown:
        words = f"Release{_s(unknown)} {','.join(unknown)} can not be found\n"
    if standing:
        verb = "is" if len(standing) == 1 else "are"
        words += f"Release{_s(standing)} {','.join(standing)} {verb} not ready to be deleted\n"
    if words:
        raise rejected(words)
    for name in names:
        del states[name]
        cloud.usm.prechecked.pop(name, None)
        cloud.life_ended(f"release/{name}", None)
    if "unavailable" not in states.values():
        cloud.alarms.clear("900.024")
    return done("".join(f"{name} has been deleted\n" for name in names))


def _commit(cloud: Cloud, names: list[str], dry: bool) -> Reply:
    """Those that it requires are committed with it; what is committed is never taken back."""
    states = cloud.usm.states
    unknown = [name for name in sorted(names) if name not in states]
    if unknown:
        return _not_committed("".join(f"{name} is unrecognized\n" for name in unknown))
    wanted = sorted({*names, *(one for name in names for one in cloud.catalogue[name].requires)})
    unfit = [name for name in wanted if states.get(name) not in ("deployed", "committed")]
    if unfit:
        head = "The following patches are not applied and cannot be committed:\n"
        return _not_committed(head + "".join(f"    {name}\n" for name in unfit))
    if dry:
        return json_reply({"info": "This commit operation would free 0.00 MiB", "error": ""})
    for name in wanted:
        states[name] = "committed"
    return json_reply({"info": "The releases have been committed.", "error": ""})


def _not_committed(words: str) -> Reply:
    reply = json_reply({"info": "", "error": words})
    reply.applied = False
    return reply


def _s(names: list[str]) -> str:
    return "" if len(names) == 1 else "s"
