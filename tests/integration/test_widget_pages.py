"""What the server does for the chat on other sites."""

import re

import httpx2
import pytest
from django.core.exceptions import ValidationError
from django.test import Client, override_settings

from chat.models import WidgetOrigin
from chat.widget_origins import cleaned_origin
from tests.serving import ChatServer

pytestmark = pytest.mark.django_db


def ancestors(client: Client) -> str:
    policy = client.get("/widget").headers["Content-Security-Policy"]
    return str(re.findall(r"frame-ancestors ([^;]+)", policy)[0])


def test_no_site_may_show_the_chat_until_an_admin_says_so(client: Client) -> None:
    assert ancestors(client) == "'none'"


def test_listed_sites_may_show_it(client: Client) -> None:
    WidgetOrigin.objects.create(origin="https://a.example.org")
    WidgetOrigin.objects.create(origin="https://b.example.org:8443")

    assert ancestors(client) == "https://a.example.org https://b.example.org:8443"
    assert "X-Frame-Options" not in client.get("/widget").headers


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://www.example.org", "https://www.example.org"),
        (" HTTPS://Www.Example.org/about?x#y ", "https://www.example.org"),
        ("https://www.example.org:443/", "https://www.example.org"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://例子.中国", "https://xn--fsqu00a.xn--fiqs8s"),
    ],
)
def test_address_is_kept_as_browsers_write_origins(typed: str, kept: str) -> None:
    assert cleaned_origin(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "*",
        "https://*",
        "https://*.example.org",
        "example.org",
        "javascript:alert(1)",
        "https://user@example.org",
        "https://a.org https://b.org",
        "https://a.org; script-src *",
        "https://a.org:99999",
        "null",
        "https://",
        "https://" + "a" * 300 + ".org",
    ],
)
def test_what_is_no_site_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        cleaned_origin(typed)


def test_site_around_the_frame_is_named_only_if_it_is_listed(client: Client) -> None:
    WidgetOrigin.objects.create(origin="https://a.example.org")

    listed = client.get("/widget", {"origin": "https://a.example.org"}).content.decode()
    other = client.get("/widget", {"origin": "https://evil.example"}).content.decode()

    assert 'data-origin="https://a.example.org"' in listed
    assert "evil.example" not in other


def test_script_has_its_words_in_every_language(client: Client) -> None:
    script = client.get("/widget.js")

    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert not script.cookies
    for code in ("en", "zh-hans"):
        assert f'"{code}": {{"open": "' in script.content.decode()


@override_settings(HTTPS=True)
def test_cookie_reaches_frames_of_other_sites_over_tls(client: Client) -> None:
    client.get("/widget")

    cookie = client.cookies["widget"].OutputString()
    assert "SameSite=None; Partitioned" in cookie
    assert "Secure" in cookie
    assert "HttpOnly" in cookie


def test_page_s_own_session_is_no_session_of_the_widget(client: Client) -> None:
    client.get("/")
    own = client.cookies["sessionid"].value

    client.get("/widget")

    assert client.cookies["sessionid"].value == own
    assert client.cookies["widget"].value != own


@pytest.mark.parametrize("path", ["conversations", "messages"])
def test_widget_reads_its_own_and_changes_nothing(expert_server: ChatServer, path: str) -> None:
    address = f"{expert_server.url}/widget/api/{path}/00000000-0000-7000-8000-000000000000"

    codes = {
        method: httpx2.request(method, address).status_code
        for method in ("GET", "POST", "PATCH", "DELETE")
    }

    assert codes == {"GET": 404, "POST": 403, "PATCH": 403, "DELETE": 403}


def test_other_sites_cannot_consent_for_a_visitor(client: Client) -> None:
    elsewhere = {"origin": "https://evil.example"}

    answer = client.post("/widget/api/consent", {}, "application/json", headers=elsewhere)

    assert answer.status_code == 403
