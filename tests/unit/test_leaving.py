"""Where a link leads is told as a browser would ask for it, or not at all."""

import pytest

from chat.leaving import MOST_CHARACTERS, BadAddressError, destination


@pytest.mark.parametrize(
    ("address", "host", "shown"),
    [
        ("https://www.nice.org.uk/a?b=1&c=%20#d", "www.nice.org.uk", None),
        ("HTTP://Example.ORG", "example.org", "http://example.org"),
        ("https://example.org:8443/", "example.org", None),
        ("http://[::1]:8000/x", "[::1]", None),
        ("https://127.0.0.1/", "127.0.0.1", None),
        ("https://a_b.example.org/", "a_b.example.org", None),
        ("https://例子.中国/路?问=1", "xn--fsqu00a.xn--fiqs8s", None),
        ("https://www.аррӏе.com/", "www.xn--80ak6aa92e.com", "https://www.xn--80ak6aa92e.com/"),
        ("https://ｅxample。com/", "example.com", "https://example.com/"),
        ("https://xn--80ak6aa92e.com/", "xn--80ak6aa92e.com", None),
        ("https://a.example/\u202egpj.exe", "a.example", "https://a.example/%E2%80%AEgpj.exe"),
        ('https://a.example/"><b>', "a.example", "https://a.example/%22%3E%3Cb%3E"),
    ],
)
def test_host_is_told_in_ascii(address: str, host: str, shown: str | None) -> None:
    told = destination(address)

    assert told.host == host
    assert told.address.isascii()
    assert f"//{host}" in told.address
    assert shown is None or told.address == shown


@pytest.mark.parametrize(
    "address",
    [
        *("", "example.org", "/admin/", "//evil.example/", "https:", "https://", "https:a.example"),
        *("javascript:alert(1)", "data:text/html,x", "mailto:a@b.example", "ftp://a.example/"),
        *("https://good.example@evil.example/", "https://evil.example\\@good.example/"),
        *("https://evil.example\\.good.example/", "https://a.example/ b", " https://a.example/"),
        *("https://a.exa\tmple/", "https://a.example/\n", "https://a.example/\x00", "https://\xa0/"),
        *("https://a.example:99999/", "https://a.example:x/", "https://[::1/", "https://a..b/"),
        *("https://%65vil.example/", "https://-/", "https://例\u2044子.com/", "https://a.b/\ud800"),
        "https://a.example/" + "x" * MOST_CHARACTERS,
    ],
    ids=ascii,
)  # fmt: skip
def test_anything_else_leads_nowhere(address: str) -> None:
    with pytest.raises(BadAddressError):
        destination(address)
