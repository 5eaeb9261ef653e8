"""The policy file: what is in it, and how its mistakes are told."""

from datetime import timedelta
from pathlib import Path

import pytest

from inventory.maintenance_policy import load_policy
from tests.inventory.files import complaint, written

POLICY = """\
vms:
  rules:
  - {name: "db-*", method: cold}
  - {metadata: {tier: test}, method: stop-start}
  - method: live
  immovable: leave
  at_once: 2
pods: {bare: delete, within: 45m}
ceph:
  recovered_within: 2h
force_lock: its disk is dying
"""


def test_a_policy_is_read(tmp_path: Path) -> None:
    policy = load_policy(written(tmp_path, POLICY, "policy.yaml"))
    assert [rule.method for rule in policy.vms.rules] == ["cold", "stop-start", "live"]
    assert (policy.vms.at_once, policy.pods.within) == (2, timedelta(minutes=45))
    assert policy.force_lock == "its disk is dying"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  - method: live\n", "", ""),
        ('{name: "db-*", method: cold}', "{method: cold}", ":3: vms.rules[0]: it fits every VM"),
        ("at_once: 2", "at_once: 20", ":7: vms.at_once:"),
        ("immovable: leave", "immovable: kill", ":6: vms.immovable:"),
        ("within: 45m", "within: soon", ":8: pods.within:"),
        ("force_lock", "force_unlock", ":11: force_unlock:"),
        ("bare: delete", "bare: 3", ":8: pods.bare:"),
    ],
)
def test_mistakes_are_told_with_their_lines(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = written(tmp_path, POLICY.replace(old, new), "policy.yaml")
    said = complaint(lambda: load_policy(file))
    assert words in said
    assert bool(said) is bool(words)
