"""API keys in the admin: shown once, never kept, watched and revoked."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from chat import api_keys
from chat.models import ApiKey
from chat.turn.events import Usage
from tests.integration.curating import XSS, posted, shown, staff, superuser

pytestmark = pytest.mark.django_db

KEYS = "/admin/chat/apikey/"
FORM = re.compile(r'value="(el-[A-Za-z0-9_-]{43})"')


@pytest.fixture
def alice() -> Client:
    return superuser("alice")


def made(client: Client, name: str = "The clinic's app", **fields: str) -> str:
    """The key that the admin makes, as its page shows it."""
    [secret] = FORM.findall(posted(client, f"{KEYS}add/", {"name": name, **fields}))
    return str(secret)


def issued(name: str = "The clinic's app") -> tuple[ApiKey, str]:
    key = ApiKey(name=name)
    secret = api_keys.issue(key, author=User.objects.get())
    return key, secret


def test_new_key_is_shown_with_what_a_client_needs(alice: Client) -> None:
    page = posted(alice, f"{KEYS}add/", {"name": "The clinic's app", "footer": "on"})

    key = ApiKey.objects.get()
    [secret] = FORM.findall(page)
    assert api_keys.find(secret) == key
    assert (key.footer, key.author, key.start) == (True, User.objects.get(), secret[:9])
    assert 'value="http://testserver/v1"' in page


def test_page_with_the_key_is_kept_by_no_cache(alice: Client) -> None:
    response = alice.post(f"{KEYS}add/", {"name": "The clinic's app"})

    assert "no-store" in response["Cache-Control"]


def test_key_is_never_shown_again_nor_kept(alice: Client) -> None:
    secret = made(alice)
    key = ApiKey.objects.get()

    paths = ("", f"{key.pk}/change/", f"{key.pk}/history/", f"{key.pk}/delete/")
    pages = [shown(alice, f"{KEYS}{path}") for path in paths] + [shown(alice, "/admin/")]

    kept = [str(row) for row in [*ApiKey.objects.values(), *LogEntry.objects.values()]]
    assert not any(secret in text or key.hash in text for text in pages)
    assert not any(secret in text for text in kept)


def test_two_keys_are_never_alike(alice: Client) -> None:
    assert made(alice) != made(alice)


def test_name_is_needed(alice: Client) -> None:
    page = posted(alice, f"{KEYS}add/", {"name": " "})

    assert not FORM.search(page)
    assert not ApiKey.objects.exists()


def test_list_shows_use_but_of_the_key_only_its_start(alice: Client) -> None:
    key, secret = issued()
    used = Usage(input_tokens=1234, output_tokens=56, estimated=False)
    api_keys.count_use(key.pk, used, Decimal("0.0125"))

    page = shown(alice, KEYS)

    assert f"{secret[:9]}…" in page
    for fact in ("1234", "56", "0.0125", "in use"):
        assert fact in page


def test_counting_adds_up(alice: Client) -> None:
    key, _ = issued()
    used = Usage(input_tokens=10, output_tokens=2, estimated=False)

    api_keys.count_use(key.pk, used, Decimal("0.01"))
    api_keys.count_use(key.pk, used, None)
    api_keys.count_use(key.pk, None, None)

    key.refresh_from_db()
    assert (key.requests, key.input_tokens, key.output_tokens) == (3, 20, 4)
    assert key.cost == Decimal("0.01")
    assert key.last_used_at is not None


def test_revoked_key_is_found_no_more_and_stays_in_the_list(alice: Client) -> None:
    key, secret = issued()
    other, other_secret = issued("Another app")

    fields = {"action": "revoke", "_selected_action": key.pk}
    page = posted(alice, KEYS, fields)

    assert "1 key was revoked." in page
    assert ">revoked<" in page
    assert (api_keys.find(secret), api_keys.find(other_secret)) == (None, other)


def test_revoking_from_the_form_is_noted_in_the_history(alice: Client) -> None:
    key, secret = issued()

    posted(alice, f"{KEYS}{key.pk}/change/", {"name": "Renamed", "_revoke": "Revoke"})

    key.refresh_from_db()
    assert (key.name, api_keys.find(secret)) == ("Renamed", None)
    assert "revoked" in shown(alice, f"{KEYS}{key.pk}/history/")


def test_revoking_again_changes_nothing(alice: Client) -> None:
    key, _ = issued()
    earlier = datetime(2026, 1, 1, tzinfo=UTC)
    ApiKey.objects.update(revoked_at=earlier)

    page = posted(alice, KEYS, {"action": "revoke", "_selected_action": key.pk})

    key.refresh_from_db()
    assert "0 keys were revoked." in page
    assert key.revoked_at == earlier
    assert 'name="_revoke"' not in shown(alice, f"{KEYS}{key.pk}/change/")


def test_t44_only_name_and_footer_can_be_set(alice: Client) -> None:
    key, secret = issued()
    extra = {"hash": "0" * 64, "start": "el-x", "requests": "7", "revoked_at_0": "2026-01-01"}

    posted(alice, f"{KEYS}{key.pk}/change/", {"name": "Renamed", **extra})

    key.refresh_from_db()
    assert (key.name, key.requests, key.start) == ("Renamed", 0, secret[:9])
    assert api_keys.find(secret) == key


def test_t40_markup_in_a_name_is_shown_as_text(alice: Client) -> None:
    page = posted(alice, f"{KEYS}add/", {"name": XSS})

    pages = [page, shown(alice, KEYS), shown(alice, f"{KEYS}{ApiKey.objects.get().pk}/change/")]

    assert all("&lt;script&gt;" in page for page in pages)
    assert not any("<script>alert" in page for page in pages)


@pytest.mark.parametrize("path", ["", "add/", "1/change/", "1/delete/"])
def test_staff_without_permission_sees_nothing(path: str) -> None:
    assert staff("charlie").get(f"{KEYS}{path}").status_code == 403


def test_staff_who_may_only_look_can_neither_make_nor_revoke(alice: Client) -> None:
    key, secret = issued()
    bob = staff("bob", "view_apikey")

    tried = [
        bob.post(f"{KEYS}add/", {"name": "Mine"}),
        bob.post(f"{KEYS}{key.pk}/change/", {"name": "Mine", "_revoke": "Revoke"}),
    ]
    bob.post(KEYS, {"action": "revoke", "_selected_action": key.pk})

    assert [response.status_code for response in tried] == [403, 403]
    assert api_keys.find(secret) == key
