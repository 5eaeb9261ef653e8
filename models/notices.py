"""Whom a campaign tells of its turns, and what it tells: the shape of `notifications`, of one notice, and of
what a campaign keeps about them.

A notice is delivered at least once. Its id is made of the campaign's first run, the kind and how many of the
kind there were before, so that it is the same however often the notice is sent again: whoever receives it
twice can tell.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from models.base import SECRET_REFERENCE, Frozen, Name, SecretRef
from models.outcome import Outcome

NoticeKind = Literal["start", "pause", "budget", "waiting", "end"]
"""start: sites may start; pause: somebody, the campaign itself or a freeze holds it; budget: its budget is
spent; waiting: a gate waits for a person's approval; end: nothing is left to do."""
KINDS: tuple[NoticeKind, ...] = ("start", "pause", "budget", "waiting", "end")
EVENT_TYPES: dict[NoticeKind, str] = {
    "start": "starflock.campaign.started",
    "pause": "starflock.campaign.paused",
    "budget": "starflock.campaign.budget-spent",
    "waiting": "starflock.campaign.waiting",
    "end": "starflock.campaign.ended",
}
"""`type` of the CloudEvent."""

WebhookUrl = Annotated[str, StringConstraints(pattern=rf"^(https?://[^\s/]+(/\S*)?|{SECRET_REFERENCE})$")]


class NotifyTarget(Frozen):
    """Who is told; exactly one of `webhook` and `apprise`."""

    name: Name
    webhook: WebhookUrl | None = None
    """Takes CloudEvents 1.0 (structured, JSON) by POST. A reference where the address itself is a secret."""
    secret: SecretRef | None = None
    """The whole value of the header `Authorization`, such as `Bearer 0123`; for webhooks."""
    ca_bundle: str | None = None
    """PEM file, relative to the inventory, that signed the webhook's certificate. None: the system's CAs."""
    apprise: SecretRef | None = None
    """Holds one URL of Apprise a line (mail, chat, pager); needs the extra `notify`."""
    on: tuple[NoticeKind, ...] = Field(default=KINDS, min_length=1)

    @model_validator(mode="after")
    def _one_way(self) -> "NotifyTarget":
        if (self.webhook is None) == (self.apprise is None):
            raise ValueError("expected exactly one of webhook, apprise")
        if self.apprise and (self.secret or self.ca_bundle):
            raise ValueError("secret and ca_bundle go with webhook; Apprise's URLs hold their own")
        return self


class Listener(Frozen):
    """A target as a campaign keeps it: where and how is read anew for each notice."""

    name: str
    on: tuple[NoticeKind, ...]


class Notice(Frozen):
    """One turn of a campaign."""

    kind: NoticeKind
    ordinal: int
    """From 1, of its kind in this campaign."""
    at: datetime
    words: str
    """What the campaign said of itself then."""
    counts: dict[Outcome, int] = {}
    total: int = 0


class Unsent(Frozen):
    target: str
    notice: Notice


class NoticeCarry(Frozen):
    """What a campaign takes along of its notices when it continues as new."""

    listeners: tuple[Listener, ...] = ()
    """Empty: nobody is told, and nothing is done about it."""
    counts: dict[NoticeKind, int] = {}
    standing: dict[NoticeKind, str] = {}
    """What was told and is still so."""
    unsent: tuple[Unsent, ...] = ()
    """Taken by nobody yet; sent again under the same ids."""
    untold: tuple[str, ...] = ()
    """Who was not told what, and why, in words."""


class NotifyRequest(Frozen):
    """Tell one target of one notice."""

    target: str
    event_id: str
    campaign: str
    operation: str
    release: str
    notice: Notice
