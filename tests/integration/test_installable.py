"""Manifest, service worker, and the page without network: what the server gives of them."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import Settings

from chat.site_texts import current_text, save_text

pytestmark = pytest.mark.django_db

WORKER = "/service-worker.js"


def write_crisis_text(locale: str, text: str) -> None:
    save_text(current_text("crisis", locale), text, author=None)


def test_manifest_speaks_the_language_of_the_page(client: Client) -> None:
    chinese = client.get("/manifest.webmanifest", headers={"Accept-Language": "zh-CN"}).json()
    english = client.get("/manifest.webmanifest", headers={"Accept-Language": "en"}).json()

    assert (chinese["lang"], english["lang"]) == ("zh-Hans", "en")
    assert chinese["description"] != english["description"]


def test_icons_of_the_manifest_exist_and_one_can_be_masked(client: Client) -> None:
    icons = client.get("/manifest.webmanifest").json()["icons"]

    assert all(finders.find(icon["src"].removeprefix("/static/")) for icon in icons)
    assert [icon["purpose"] for icon in icons].count("maskable") == 1


def test_worker_keeps_what_the_offline_page_needs_and_no_more(client: Client) -> None:
    script = client.get(f"{WORKER}?language=en").content.decode()
    page = client.get("/offline?language=en").content.decode()

    kept = re.findall(r'"([^"]+)"', script[script.index("PARTS = [") : script.index("];")])
    named = re.findall(r'(?:href|src)="(/static/[^"]+\.(?:js|css|svg))"', page)

    addresses = {each.encode().decode("unicode_escape") for each in kept}
    assert addresses >= set(named)
    assert {each for each in addresses if "static" not in each} == {"/offline?language=en"}


def test_worker_is_another_for_another_language(client: Client) -> None:
    scripts = {client.get(f"{WORKER}?language={each}").content for each in ("en", "zh-hans")}

    assert len(scripts) == 2


@pytest.mark.parametrize(("language", "number"), [("en", "000"), ("zh-hans", "12356")])
def test_offline_page_says_first_whom_to_call(client: Client, language: str, number: str) -> None:
    write_crisis_text("en", "Call [000](tel:000).")

    page = client.get(f"/offline?language={language}").content.decode()

    call = page.index(f'<a href="tel:{number}"')
    assert page.index("<h1>") < call < page.index('id="unsent"')


def test_worker_is_another_when_the_operator_has_changed_whom_to_call(client: Client) -> None:
    addresses = [f"{WORKER}?language={each}" for each in ("en", "zh-hans")]
    english, chinese = (client.get(each).content for each in addresses)

    write_crisis_text("en", "Call [000](tel:000).")

    assert client.get(addresses[0]).content != english
    assert client.get(addresses[1]).content == chinese


def test_worker_that_is_not_wanted_takes_itself_away(client: Client, settings: Settings) -> None:
    settings.OFFLINE_PAGE = False

    script = client.get(WORKER).content.decode()

    assert "unregister" in script
    assert "fetch" not in script


@pytest.mark.parametrize("path", ["/offline", WORKER, "/manifest.webmanifest"])
def test_what_browsers_keep_knows_nobody(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert not response.cookies
