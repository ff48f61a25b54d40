"""axe-core, which finds what keeps people from using a page."""

import importlib.util
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GRAVE = {"serious", "critical"}
RUN = """async options => (await axe.run(document, options)).violations.map(found => ({
    id: found.id,
    impact: found.impact,
    help: found.help,
    nodes: found.nodes.map(node => `${node.html.slice(0, 300)}  ${node.any
        .concat(node.all, node.none).map(check => check.message).join(" ").slice(0, 300)}`),
}))"""


def program() -> str:
    found = importlib.util.find_spec("axe_playwright_python")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


def barriers(page: Page, *, rules: list[str] | None = None) -> list[str]:
    """All that breaks WCAG 2.2 AA, and of good practice what is grave; with `rules`, of those."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"() => {{ {program()} }}")
    wanted = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    violations = page.evaluate(RUN, {"runOnly": wanted, "resultTypes": ["violations"]})
    return [told(each) for each in violations if counts(each)]


def counts(violation: dict[str, Any]) -> bool:
    return violation["impact"] in GRAVE or violation["id"] == "target-size"


def told(violation: dict[str, Any]) -> str:
    return "\n  ".join([f"{violation['id']}: {violation['help']}", *violation["nodes"]])
