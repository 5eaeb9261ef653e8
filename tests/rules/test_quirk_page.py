"""The page of the quirk table is the table. `STARFLOCK_SNAPSHOTS=write` writes it."""

import os
from pathlib import Path

from rules.quirk_table import QUIRKS, Quirk

PAGE = Path(__file__).parents[2] / "docs/reference/bmc-quirks.md"
HEAD = """\
# Quirks of BMCs

Where vendors' BMCs depart from Redfish, how that is recognised, and what Starflock does about it. The page
is made from the table `rules/quirk_table.py`. A row without a detection holds everywhere: what it asks for
does no harm where it is not needed. "sushy" and "ironic" are release notes of the OpenStack projects, "rvmc"
is `dccommon/rvmc.py` of StarlingX distcloud.

| | vendor | quirk | recognised by | handling | source |
|---|---|---|---|---|---|
"""


def _detection(row: Quirk) -> str:
    asked = [
        f"{key} `{value}`".replace("|", "\\|")
        for key in ("manufacturer", "model", "firmware", "message")
        if (value := getattr(row, key))
    ]
    return " and ".join(asked) or "everywhere"


def _handling(row: Quirk) -> str:
    if row.kind is None:
        return row.does
    after = f", again after {row.after_s:g} s" if row.after_s else ""
    return f"{row.kind}: {row.words}{after}"


def test_the_page_says_what_the_table_says() -> None:
    lines = [
        f"| {row.row} | {row.vendor} | {row.what} | {_detection(row)} | {_handling(row)} | {row.source} |\n"
        for row in QUIRKS
    ]
    page = HEAD + "".join(lines)
    if os.environ.get("STARFLOCK_SNAPSHOTS") == "write":
        PAGE.write_text(page)
    assert PAGE.read_text() == page
