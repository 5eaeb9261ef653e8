"""An acceptance as a file for a pipeline (JUnit) and as a page for a person (HTML).

The page quotes the site, so nothing in it is trusted: every text passes Jinja's escaping, and there is no
script.
"""

from xml.etree import ElementTree as Xml

from models.acceptance import AcceptanceReport
from records.junit import document, xml_text
from records.page import environment


def render_junit(report: AcceptanceReport) -> str:
    """One test case a check; what was found and what was wanted stand in its failure."""
    failed = [check for check in report.checks if not check.passed]
    suite = Xml.Element(
        "testsuite",
        name=xml_text(f"acceptance of {report.site}"),
        tests=str(len(report.checks)),
        failures=str(len(failed)),
        errors="0",
        skipped="0",
        time=f"{(report.ended - report.began).total_seconds():.3f}",
        timestamp=report.began.isoformat(),
    )
    properties = Xml.SubElement(suite, "properties")
    Xml.SubElement(properties, "property", name="profile", value=xml_text(report.profile))
    for check in report.checks:
        case = Xml.SubElement(
            suite, "testcase", name=xml_text(check.name), classname=xml_text(f"{report.site}.{check.group}")
        )
        if not check.passed:
            words = xml_text(f"found {check.found}, wanted {check.wanted}")
            Xml.SubElement(case, "failure", type="difference", message=words)
    return document(suite)


def render_html(report: AcceptanceReport) -> str:
    failed = sum(not check.passed for check in report.checks)
    return environment().get_template("acceptance.html.j2").render(report=report, failed=failed)
