"""The alert rules, the configuration and the dashboard's questions, by Prometheus' own judgement."""

import json
from pathlib import Path

import pytest
import yaml

from tests.support.prometheus import is_here, promtool, told

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
CASES = Path(__file__).parent / "alerts.test.yaml"

pytestmark = pytest.mark.skipif(not is_here(), reason="no Prometheus here: apt-get install prometheus")


def test_rules_and_configuration_are_as_prometheus_wants_them() -> None:
    for kind, name in (("rules", "alerts.yaml"), ("config", "prometheus.yaml")):
        done = promtool("check", kind, MONITORING / name)
        assert done.returncode == 0, done.stdout + done.stderr
    told()


def test_each_alert_fires_when_it_should_and_not_before() -> None:
    done = promtool("test", "rules", CASES)
    assert done.returncode == 0, done.stdout + done.stderr
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    cases = [case for test in yaml.safe_load(CASES.read_text())["tests"] for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == alerts
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == alerts, "its control"


def test_a_rule_that_never_fires_would_be_found(tmp_path: Path) -> None:
    broken = (MONITORING / "alerts.yaml").read_text().replace("waiting-approval", "waiting-aproval")
    (tmp_path / "alerts.yaml").write_text(broken)
    cases = CASES.read_text().replace("../../deploy/monitoring/alerts.yaml", "alerts.yaml")
    (tmp_path / "cases.yaml").write_text(cases)
    done = promtool("test", "rules", tmp_path / "cases.yaml")
    assert done.returncode != 0
    assert "StarflockCampaignWaitsForAPerson" in done.stdout + done.stderr


def test_the_dashboard_asks_in_promql(tmp_path: Path) -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(asked) > 8
    assert _judged(tmp_path, asked) == 0
    assert _judged(tmp_path, [*asked, "sum by (campaign) (rate(starflock_campaign_sites[5m])"]) != 0


def _judged(folder: Path, questions: list[str]) -> int:
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(questions)]
    path = folder / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    return promtool("check", "rules", path).returncode
