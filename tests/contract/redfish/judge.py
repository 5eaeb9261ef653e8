"""Runs DMTF's validators as processes of their own, with their patience divided by what time is divided by.

They sleep ten seconds between looks, meant for real machines; the simulated ones are 600 times fast, so
`time.sleep` is divided by twenty in their process and nothing else is changed. The use case checkers also
wait until the machine has booted: they read a system and send its entity tag back with the next change, and
a strong tag covers all that is shown (DSP0266, entity tags), so the machine's progress makes it stale. A real
machine's steps are tens of seconds apart, these some hundredths. What they print and write is read back.
"""

import csv
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.forked import unmeasured

from .region import Host, Region

_LAUNCH = """
import json, sys, time, urllib.request
patience = time.sleep
site = sys.argv.pop(1)
def stands():
    with urllib.request.urlopen(site, timeout=30) as reply:
        machine = json.load(reply)["hosts"][0]["bmc"]
    return (machine["power"], machine["stage"]) in (("Off", ""), ("On", "up"))
def waited(seconds):
    patience(seconds / 20)
    while site and not stands():
        patience(0.02)
time.sleep = waited
from {module}.console_scripts import main
main()
"""


@dataclass(frozen=True)
class Verdict:
    """What a judge found: counts by result, and each failure in words."""

    code: int
    counts: Counter[str]
    failures: list[str] = field(default_factory=list)
    printed: str = ""


def _run(
    module: str, region: Region, host: Host, folder: Path, *options: str, standing: bool = False
) -> tuple[int, str]:
    environment = {
        name: value for name, value in unmeasured(os.environ).items() if not name.endswith("_CA_BUNDLE")
    }
    run = subprocess.run(
        [
            *(sys.executable, "-c", _LAUNCH.format(module=module)),
            f"{region.admin}/sites/{host.site}" if standing else "",
            *("-u", "root", "-p", region.password, "-r", host.url, "--report-dir", str(folder), *options),
        ],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def protocol_validator(region: Region, host: Host, folder: Path) -> Verdict:
    """`redfish-protocol-validator`: the rules of the protocol."""
    code, printed = _run(
        "redfish_protocol_validator",
        region,
        host,
        folder,
        *("--ca-bundle", region.ca, "--report-type", "tsv", "--avoid-http-redirect"),
    )
    counts: Counter[str] = Counter()
    failures = []
    for report in folder.glob("*.tsv"):
        with report.open(newline="") as lines:
            for row in csv.reader(lines, delimiter="\t"):
                result = next((one for one in row if one in ("PASS", "FAIL", "WARN", "NOT_TESTED")), None)
                if result is not None:
                    counts[result] += 1
                if result == "FAIL":
                    failures.append(" ".join(row[:6]))
    return Verdict(code, counts, failures, printed)


def use_case_checkers(region: Region, host: Host, folder: Path, *lists: str) -> Verdict:
    """`redfish-use-case-checkers`: accounts, power, boot override, network, queries, by really doing them."""
    code, printed = _run(
        "redfish_use_case_checkers", region, host, folder, "--test-list", *lists, standing=True
    )
    found = re.search(r"\|\s*(\d+)\s*\|\s*(\d+)\s*\|\s*(\d+)\s*\|\s*(\d+)\s*\|", printed)
    names = ("PASS", "WARN", "FAIL", "NOT_TESTED")
    counts = Counter(dict(zip(names, map(int, found.groups()), strict=True))) if found else Counter()
    failures = []
    for log in folder.glob("*/*.log"):
        failures += [
            line for line in log.read_text().splitlines() if " ERROR " in line or " WARNING " in line
        ]
    return Verdict(code, counts, failures, printed)
