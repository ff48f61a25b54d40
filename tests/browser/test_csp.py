"""The Content Security Policy, as strict as it can be.

That our pages keep to it, every browser test sees: visitors complain of what Chromium reports.
"""

import httpx2
import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.serving import ChatServer


def policy_of(address: str) -> dict[str, str]:
    header = httpx2.get(address).headers["content-security-policy"]
    parts = [directive.strip().partition(" ") for directive in header.split(";")]
    return {name: sources for name, _, sources in parts}


@pytest.mark.parametrize("path", ["/", "/nowhere", "/offline", "/widget", "/admin/login/"])
def test_nothing_foreign_and_nothing_inline_may_run(expert_site: ChatServer, path: str) -> None:
    policy = policy_of(expert_site.url + path)

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["worker-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/offline", "/widget"])
def test_html_is_made_in_one_place_only(expert_site: ChatServer, path: str) -> None:
    policy = policy_of(expert_site.url + path)

    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "expertline"


def test_admin_is_spared_trusted_types_alone(expert_site: ChatServer) -> None:
    ours, admins = (policy_of(expert_site.url + path) for path in ("/", "/admin/login/"))

    assert ours.keys() - admins.keys() == {"require-trusted-types-for", "trusted-types"}
    assert admins.items() <= ours.items()


def test_script_in_a_page_would_not_run(expert_site: ChatServer, visitor: Visitor) -> None:
    page = visitor.context.new_page()
    page.route(
        f"{expert_site.url}/offline",
        lambda route: route.fulfill(
            response=(response := route.fetch()),
            body=response.text().replace("</head>", "<script>window.hacked=1</script></head>"),
        ),
    )

    page.goto(f"{expert_site.url}/offline")

    expect(page.locator("h1").first).to_be_visible()
    assert page.evaluate("() => window.hacked") is None
    assert any("Content Security Policy" in each for each in visitor.complaints)
    visitor.complaints.clear()
