"""On a real terminal: colour, unless NO_COLOR says no; and the words are the same."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import STARFLOCK

COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|4[0-7]|9[0-7])[0-9;]*m")
ANY = re.compile(r"\x1b\[[0-9;]*m")


DRAW = "from cli.output import emit, outcome; emit('table', {}, lambda: [outcome('failed'), 'at once'])"


def on_a_terminal(folder: Path, **env: str) -> str:
    ours, theirs = pty.openpty()
    given = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "CI")}
    process = subprocess.Popen(
        [sys.executable, "-c", DRAW],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=given | {"TERM": "xterm-256color", "COLUMNS": "100"} | env,
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(ours)
    process.wait()
    return seen.decode()


def test_no_color_takes_the_colour_and_leaves_the_words(tmp_path: Path) -> None:
    coloured = on_a_terminal(tmp_path)
    plain = on_a_terminal(tmp_path, NO_COLOR="1")
    assert COLOUR.search(coloured)
    assert not COLOUR.search(plain)
    assert ANY.sub("", coloured) == ANY.sub("", plain)
    assert ANY.sub("", plain).split() == ["failed", "at", "once"]


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = " ".join(["'" + part + "'" for part in (*STARFLOCK, "schema", "inventory")])
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout == "130\n"
