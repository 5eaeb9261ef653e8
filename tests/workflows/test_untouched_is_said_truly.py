"""`blocked` and `unreachable` promise that nothing was changed; after a change a run ends `failed`."""

import pytest

from models.outcome import Outcome
from workflows.steps.procedure import SiteProcedure
from workflows.steps.site import Ended


@pytest.mark.parametrize(
    ("ended", "changes", "said"),
    [
        (Outcome.BLOCKED, 0, (Outcome.BLOCKED, "why")),
        (Outcome.UNREACHABLE, 0, (Outcome.UNREACHABLE, "why")),
        (Outcome.BLOCKED, 1, (Outcome.FAILED, "why; changes were made before that")),
        (Outcome.UNREACHABLE, 3, (Outcome.FAILED, "why; changes were made before that")),
        (Outcome.REFUSED, 1, (Outcome.REFUSED, "why")),
        (Outcome.ABORTED, 1, (Outcome.ABORTED, "why")),
    ],
)
def test_what_was_changed_decides(ended: Outcome, changes: int, said: tuple[Outcome, str]) -> None:
    procedure = SiteProcedure("edge-0001", "anything")
    assert procedure._said_truly(Ended(ended, "why"), changes) == said
