"""The units, judged by systemd itself; only the path of the program is that of these tests."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
ANALYZE = shutil.which("systemd-analyze")
PROGRAM = "/opt/starflock/bin/starflock"

pytestmark = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze here")


def _verified(unit: Path, folder: Path, replaced: str = "", by: str = "") -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    text = unit.read_text()
    assert PROGRAM in text
    assert replaced in text
    made = folder / unit.name.replace("@.", "@1.")
    made.write_text(text.replace(PROGRAM, "/bin/true").replace(replaced or PROGRAM, by))
    return subprocess.run(
        [ANALYZE, "verify", "--man=no", str(made)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.service")), ids=lambda unit: unit.name)
def test_systemd_finds_nothing_wrong(unit: Path, tmp_path: Path) -> None:
    done = _verified(unit, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_would_say_so(tmp_path: Path) -> None:
    unit = UNITS / "starflock-codec-server.service"
    assert "kill mode" in _verified(unit, tmp_path, "KillMode=mixed", "KillMode=gently").stderr
