"""Of which turns of a campaign people are told.

What could be told is read off the state as it is (`standing`); a turn is what stands now and did not stand
in the same words before. So a pause that is lifted and comes again is told again, one that merely lasts is
not, and a campaign that continues as new, which carries what it has told, repeats nothing.
"""

from collections.abc import Mapping
from datetime import datetime

from models.notices import KINDS, Listener, Notice, NoticeKind
from rules import explain
from rules.campaign import CampaignState

Standing = dict[NoticeKind, str]


def standing(state: CampaignState, *, ended: bool = False) -> Standing:
    """By kind what tells one turn from the next of its kind. A campaign says itself that it has ended: while
    it waits for its last updates a retry may still open it again."""
    found: Standing = {"start": "started"}
    halts = [str(halt) for halt in (state.pause_halt, state.freeze_halt) if halt]
    if halts and not ended:
        found["pause"] = "".join(halts)
    if state.spent:
        found["budget"] = state.spent
    if state.stage == "soaked" and state.more_to_come and state.gate and not state.abort_halt:
        found["waiting"] = state.gate
    if ended:
        found["end"] = "ended"
    return found


def due(
    state: CampaignState,
    before: Mapping[NoticeKind, str],
    counts: Mapping[NoticeKind, int],
    now: datetime,
    *,
    ended: bool = False,
) -> tuple[Standing, list[Notice]]:
    """What stands now, and the turns since `before`, in the order in which people expect them."""
    stands = standing(state, ended=ended)
    turns = [kind for kind in KINDS if kind in stands and stands[kind] != before.get(kind)]
    return stands, [
        Notice(
            kind=kind,
            ordinal=counts.get(kind, 0) + 1,
            at=now,
            words=words(state, kind, now),
            counts={outcome: count for outcome, count in state.roster.counts.items() if count},
            total=len(state.roster.names),
        )
        for kind in turns
    ]


def words(state: CampaignState, kind: NoticeKind, now: datetime) -> str:
    if kind == "start":
        return f"started with {len(state.roster.names)} sites"
    if kind == "budget":
        return f"{state.spent}; {explain.why(state, now)}"
    return explain.why(state, now)


def hears(listener: Listener, notice: Notice) -> bool:
    return notice.kind in listener.on
