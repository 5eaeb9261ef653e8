"""The VIM's orchestration API: the one strategy that a cloud may have (nfv 1fa7c30, 2026-08).

No strategy is 200 with `{"strategy": null}`; a POST to create answers 200, to act 202; a delete answers
200 without JSON. The API waits 30 s for its engine and answers 500 after that, while the engine may
still carry the request out: `SETTLE` is what must pass before silence means no.

Release 10-12 name the release as a string, the coming one as a list.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from activities.http import Rejected, Reply
from activities.starlingx.session import Cloud
from models.site import Strategy

STRATEGY = "sw-upgrade"
SETTLE = {
    "vim.create": timedelta(seconds=30),
    "vim.apply": timedelta(seconds=30),
    "vim.delete": timedelta(seconds=30),
}
ECHOED = (
    "controller-apply-type",
    "storage-apply-type",
    "worker-apply-type",
    "max-parallel-worker-hosts",
    "default-instance-action",
    "alarm-restrictions",
)


def create_body(
    release: str,
    dialect: Literal["12", "next"],
    instance_action: Literal["migrate", "stop-start"],
    alarm_restrictions: Literal["strict", "relaxed"],
) -> dict[str, Any]:
    """Serial throughout; `delete` lets the VIM remove the USM deployment as the last stage."""
    return {
        "controller-apply-type": "serial",
        "storage-apply-type": "serial",
        "worker-apply-type": "serial",
        "max-parallel-worker-hosts": 2,
        "default-instance-action": instance_action,
        "alarm-restrictions": alarm_restrictions,
        "release": release if dialect == "12" else [release],
        "rollback": False,
        "delete": True,
    }


async def current(cloud: Cloud) -> Strategy | None:
    """Whatever strategy the cloud has, of any kind."""
    reply = await cloud.get("vim", "/current-strategy/strategy")
    found = _strategy(reply)
    if found is None:
        return None
    if found["name"] == STRATEGY:
        return await read(cloud)
    return Strategy(uuid=found.get("uuid", ""), name=found["name"], state=found["state"])


async def read(cloud: Cloud) -> Strategy | None:
    """The software strategy with its phases, or None."""
    return _parse(_strategy(await cloud.get("vim", f"/{STRATEGY}/strategy")))


async def create(cloud: Cloud, body: dict[str, Any]) -> Strategy:
    reply = await cloud.send("vim", "POST", f"/{STRATEGY}/strategy", body=body)
    created = _parse(_strategy(reply))
    if created is None:
        raise Rejected(reply, "the VIM took the strategy but answered none")
    return created


async def apply(cloud: Cloud) -> None:
    await cloud.send("vim", "POST", f"/{STRATEGY}/strategy/actions", body={"action": "apply-all"})


async def delete(cloud: Cloud) -> None:
    await cloud.send("vim", "DELETE", f"/{STRATEGY}/strategy", body={"force": False})


def _strategy(reply: Reply) -> dict[str, Any] | None:
    document = reply.json()
    if not isinstance(document, dict) or "strategy" not in document:
        raise Rejected(reply, f"expected a strategy, found {reply.text[:80]!r}")
    found = document["strategy"]
    return found if isinstance(found, dict) else None


def _parse(found: dict[str, Any] | None) -> Strategy | None:
    if found is None:
        return None
    phase_name = found.get("current-phase") or ""
    phase = found.get(f"{phase_name}-phase") or {}
    stage, reason = _where(phase)
    return Strategy(
        uuid=found["uuid"],
        name=found["name"],
        state=found["state"],
        release=_release(found),
        phase=phase_name,
        percent=int(found.get("current-phase-completion-percentage") or 0),
        stage=stage,
        reason=reason,
        content={key: str(found[key]) for key in ECHOED if key in found},
        began=_time((found.get("build-phase") or {}).get("start-date-time")),
    )


def _release(found: dict[str, Any]) -> str:
    release = found.get("release") or found.get("release-id") or ""
    return ",".join(release) if isinstance(release, list) else str(release)


def _where(phase: dict[str, Any]) -> tuple[str, str]:
    """`stage / step` where the phase stands or failed, and why."""
    reason = phase.get("reason") or phase.get("response") or ""
    for stage in phase.get("stages") or []:
        for step in stage.get("steps") or []:
            if step.get("result") in ("failed", "timed-out", "aborted"):
                words = step.get("reason") or stage.get("reason") or reason
                return f"{stage.get('stage-name')} / {step.get('step-name')}", str(words)[:500]
        if stage.get("inprogress"):
            steps = stage.get("steps") or [{}]
            step = steps[min(int(stage.get("current-step") or 0), len(steps) - 1)]
            return f"{stage.get('stage-name')} / {step.get('step-name', '')}", str(reason)[:500]
    return "", str(reason)[:500]


def _time(value: Any) -> datetime | None:
    """`2026-08-21 10:00:00` in UTC, as the VIM writes it; with or without fraction or T."""
    if not isinstance(value, str) or not value:
        return None
    try:
        parsed = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
