"""Editing the texts of the page in the admin: preview, versions, and who may."""

import pytest
from django.test import Client

from chat.models import SiteText
from chat.site_texts import current_text, save_text
from tests.integration.curating import XSS, staff, superuser

pytestmark = pytest.mark.django_db

LIST = "/admin/chat/sitetext/"
EDIT = f"{LIST}edit/crisis/en/"


@pytest.fixture
def alice() -> Client:
    return superuser("alice")


def form(text: str, **fields: str) -> dict[str, str]:
    return {"seen": current_text("crisis", "en").version, "text": text, **fields}


def test_list_names_every_text_in_both_languages(alice: Client) -> None:
    page = alice.get(LIST).content.decode()

    for kind in SiteText.Kind.values:
        for locale in ("en", "zh-hans"):
            assert f"{LIST}edit/{kind}/{locale}/" in page


def test_saved_text_is_the_next_version_and_in_use(alice: Client) -> None:
    alice.post(EDIT, form("Call 000."))

    row = SiteText.objects.get()
    assert (row.number, row.text, str(row.author)) == (1, "Call 000.", "alice")
    assert current_text("crisis", "en").text == "Call 000."


def test_preview_shows_safe_html_and_saves_nothing(alice: Client) -> None:
    page = alice.post(EDIT, form(f"**Call** {XSS}", preview="1")).content.decode()

    assert "<strong>Call</strong>" in page
    assert "<script>alert(1)" not in page
    assert not SiteText.objects.exists()


def test_built_in_text_is_shown_before_it_is_used_again(alice: Client) -> None:
    save_text(current_text("crisis", "en"), "Call 000.", author=None)

    page = alice.post(EDIT, form("Call 000.", built_in="1")).content.decode()

    assert "116 123" in page
    assert current_text("crisis", "en").text == "Call 000."


def test_text_that_somebody_saved_meanwhile_is_not_overwritten(alice: Client) -> None:
    stale = form("Mine.")
    save_text(current_text("crisis", "en"), "Theirs.", author=None)

    page = alice.post(EDIT, stale).content.decode()

    assert "somebody saved other texts meanwhile" in page
    assert "Mine." in page
    assert current_text("crisis", "en").text == "Theirs."


def test_empty_text_is_refused(alice: Client) -> None:
    alice.post(EDIT, form("  "))

    assert not SiteText.objects.exists()


def test_who_may_only_read_cannot_edit() -> None:
    bob = staff("bob", "view_sitetext")

    assert bob.get(LIST).status_code == 200
    assert bob.get(EDIT).status_code == 403
    assert bob.post(EDIT, form("Bob's.")).status_code == 403
    assert not SiteText.objects.exists()


def test_text_that_there_is_none_of_is_not_found(alice: Client) -> None:
    assert alice.get(f"{LIST}edit/crisis/fr/").status_code == 404
    assert alice.get(f"{LIST}edit/nothing/en/").status_code == 404
