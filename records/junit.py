"""A campaign as a JUnit file, so that a pipeline that started one shows it like any test run.

One test case a site. An outcome that needs a person is a failure, a site that an operator took out is
skipped, and the two good outcomes pass. XML 1.0 has no way to write most control characters, and sites do
send them; they become U+FFFD.
"""

import re
from xml.etree import ElementTree as Xml

from models.outcome import Outcome
from records.campaign_report import CampaignReport, SiteRow
from records.words import needs_person

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: CampaignReport) -> str:
    suite = Xml.Element(
        "testsuite",
        name=xml_text(report.name),
        tests=str(len(report.sites)),
        failures=str(len(report.needs_person)),
        skipped=str(report.counts.get(Outcome.SKIPPED, 0)),
        errors="0",
        time=f"{(report.timeline.ended - report.timeline.began).total_seconds():.3f}",
        timestamp=report.began.isoformat(),
    )
    properties = Xml.SubElement(suite, "properties")
    for name in ("verdict", "first_run_id", "inventory_hash", "release"):
        Xml.SubElement(properties, "property", name=name, value=xml_text(getattr(report, name)))
    for row in report.sites:
        _case(suite, report, row)
    return document(suite)


def document(suite: Xml.Element) -> str:
    Xml.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(suite, encoding="unicode") + "\n"


def _case(suite: Xml.Element, report: CampaignReport, row: SiteRow) -> None:
    case = Xml.SubElement(
        suite,
        "testcase",
        name=xml_text(row.site),
        classname=xml_text(f"{report.name}.wave-{row.wave}"),
        time=f"{row.duration_s:.3f}",
    )
    if needs_person(row.outcome):
        failure = Xml.SubElement(case, "failure", type=row.outcome.value, message=xml_text(row.reason))
        failure.text = xml_text("\n".join(row.evidence))
    elif row.outcome is Outcome.SKIPPED:
        Xml.SubElement(case, "skipped", message=xml_text(row.reason))
    elif row.evidence:
        Xml.SubElement(case, "system-out").text = xml_text("\n".join(row.evidence))


def xml_text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
