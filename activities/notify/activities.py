"""Telling people outside: one notice to one target, by a CloudEvents webhook or by Apprise.

The target is read from the inventory at each attempt, so that a corrected address or a new token counts at
once, and secrets are resolved here. Temporal tries again for as long as the campaign lets it; the event's id
does not change, so that whoever gets it twice can tell. What was said about a failure names the target and
never its address, which for many chat services is the secret itself.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from temporalio import activity

from activities.errors import Refused, Transient
from activities.http import NoAnswer, Trust, Wire
from activities.notify import by_apprise
from inventory.load import Inventory
from inventory.secrets import SecretError, redact, resolve
from models.notices import EVENT_TYPES, NotifyRequest, NotifyTarget

CONTENT_TYPE = "application/cloudevents+json"
"""Structured mode of CloudEvents' HTTP binding, 1.0.2, section 3.2."""
WITHIN_S = 15.0
"""For one attempt; the activity's own time-out is longer."""
COME_BACK = frozenset({408, 425, 429})
"""Answers of 4xx that ask for another try; the others say that the request is wrong."""


@dataclass
class NotifyActivities:
    inventory: Callable[[], Inventory]
    wire: Wire

    @activity.defn
    async def notify(self, request: NotifyRequest) -> None:
        """Raises Refused where no further try can help, Transient otherwise; both in words for a person."""
        inventory = self.inventory()
        target = next((each for each in inventory.file.notifications if each.name == request.target), None)
        if target is None:
            raise Refused("it has left the inventory's notifications")
        secrets: list[str] = []

        def secret(ref: str) -> str:
            secrets.append(resolve(ref, inventory.path.parent))
            return secrets[-1]

        try:
            async with asyncio.timeout(WITHIN_S):
                if target.apprise is not None:
                    urls = secret(target.apprise).split()
                    await by_apprise.tell(urls, title(request), request.notice.words)
                else:
                    await self._post(request, target, secret, inventory)
        except SecretError as error:
            raise Transient(str(error)) from None
        except TimeoutError:
            raise Transient(f"no answer within {WITHIN_S:g} s") from None
        except NoAnswer as error:
            raise Transient(redact(_without_address(error), secrets)) from None

    async def _post(
        self, request: NotifyRequest, target: NotifyTarget, secret: Callable[[str], str], inventory: Inventory
    ) -> None:
        url = target.webhook or ""
        if not url.startswith(("http://", "https://")):
            url = secret(url)
        if not url.startswith(("http://", "https://")):
            raise Refused(f"{target.webhook} holds no address that begins with http:// or https://")
        headers = {"Content-Type": CONTENT_TYPE}
        if target.secret is not None:
            headers["Authorization"] = secret(target.secret)
        bundle = str(inventory.resolve_path(target.ca_bundle)) if target.ca_bundle else None
        reply = await self.wire.send(
            "POST", url, Trust(ca_bundle=bundle), headers=headers, body=event_of(request)
        )
        if 200 <= reply.status < 300:
            return
        if 300 <= reply.status < 500 and reply.status not in COME_BACK:
            raise Refused(f"it answered {reply.status}")
        raise Transient(f"it answered {reply.status}")


def title(request: NotifyRequest) -> str:
    happened = EVENT_TYPES[request.notice.kind].rpartition(".")[2].replace("-", " ")
    return f"Starflock: campaign {request.campaign} {happened}"


def event_of(request: NotifyRequest) -> dict[str, Any]:
    """CloudEvents 1.0, JSON format."""
    notice = request.notice
    return {
        "specversion": "1.0",
        "id": request.event_id,
        "source": f"/starflock/campaigns/{request.campaign}",
        "type": EVENT_TYPES[notice.kind],
        "subject": request.campaign,
        "time": notice.at.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "campaign": request.campaign,
            "operation": request.operation,
            "release": request.release,
            "why": notice.words,
            "sites": notice.total,
            "counts": {str(outcome): count for outcome, count in notice.counts.items()},
        },
    }


def _without_address(error: NoAnswer) -> str:
    """`POST https://...: ConnectError: refused` without the first two words."""
    return f"no answer: {str(error).partition(': ')[2]}"
