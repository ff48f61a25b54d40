"""Signing up, in and out, and what an account's owner can do with it."""

import json
import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from chat.accounts.limits import sign_in_limits, sign_up_limits
from chat.sessions import ended, open_session
from chat.visitors import COOKIE
from tests.integration.account_pages import (
    ACCOUNT,
    IN,
    OTHER_PASSWORD,
    OUT,
    PASSWORD,
    UP,
    account,
    browser,
    conversation,
    member,
    path,
    sign_in,
    sign_up,
    titles,
    visitor_of,
)

pytestmark = pytest.mark.django_db

PAGES = ["", "sign-up", "sign-in", "claim", "password", "sign-out-elsewhere", "data", "delete"]


@pytest.fixture(autouse=True)
def new_limits() -> Iterator[None]:
    yield
    sign_in_limits.cache_clear()
    sign_up_limits.cache_clear()


def signed_in(client: Client) -> bool:
    return client.get(path(ACCOUNT)).status_code == 200


def error_at(page: str, field: str) -> str:
    """What is wrong with a field, as it is told there and to screen readers."""
    told = re.search(rf'<p id="id_{field}_error" class="wrong">\s*(.*?)\s*</p>', page, re.DOTALL)
    described = re.search(rf'<input[^>]*id="id_{field}"[^>]*>', page)
    assert told
    assert described
    assert f"id_{field}_error" in described[0]
    assert 'aria-invalid="true"' in described[0]
    return told[1]


def focused(page: str) -> list[str]:
    return re.findall(r'<input[^>]*name="(\w+)"[^>]*autofocus', page)


# --- Signing up


def test_sign_up_makes_an_account_and_signs_in() -> None:
    client = browser()

    response = sign_up(client, "mei")

    assert response.headers["Location"] == "/"
    assert signed_in(client)
    assert account("mei").check_password(PASSWORD)


def test_t44_fields_that_are_not_asked_for_change_nothing() -> None:
    sign_up(browser(), "mei", is_staff="on", is_superuser="on", email="a@example.org", id="77")

    mei = account("mei")
    assert (mei.is_staff, mei.is_superuser, mei.email, mei.pk == 77) == (False, False, "", False)


@pytest.mark.parametrize("name", ["<svg onload=alert(1)>", "a\x00b", "mei\u202eiem", "m" * 151])
def test_t40_name_that_could_be_taken_for_something_else_is_refused(name: str) -> None:
    page = sign_up(browser(), name).content.decode()

    assert error_at(page, "username")
    assert "<svg onload" not in page
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["mei", "MEI"])
def test_name_of_another_is_refused_at_its_field(name: str) -> None:
    member("mei")

    page = sign_up(browser(), name).content.decode()

    assert error_at(page, "username") == "This name is taken. Please choose another."
    assert focused(page) == ["username"]
    assert User.objects.count() == 1


def test_weak_password_is_told_at_the_password_which_has_the_focus() -> None:
    page = sign_up(browser(), "mei", password1="12345678", password2="12345678").content.decode()

    assert "too common" in error_at(page, "password1")
    assert focused(page) == ["password1"]
    assert "12345678" not in page


def test_short_password_is_told_with_how_long_it_must_be() -> None:
    page = sign_up(browser(), "mei", password1="pan-cak", password2="pan-cak").content.decode()

    told = error_at(page, "password1")
    assert told == "This password is too short. It needs at least 8 characters."


def test_different_passwords_are_told_at_the_second() -> None:
    page = sign_up(browser(), "mei", password2=OTHER_PASSWORD).content.decode()

    assert error_at(page, "password2") == "The two passwords are not the same."
    assert focused(page) == ["password2"]
    assert 'value="mei"' in page


def test_new_page_has_no_focus_and_tells_password_managers_what_is_what() -> None:
    up = browser().get(path(UP)).content.decode()
    sign_in_page = browser().get(path(IN)).content.decode()

    assert focused(up) == focused(sign_in_page) == []
    assert re.findall(r'autocomplete="([\w-]+)"', up) == [
        "username",
        "new-password",
        "new-password",
    ]
    assert re.findall(r'autocomplete="([\w-]+)"', sign_in_page) == ["username", "current-password"]


def test_sign_up_that_is_switched_off_is_neither_shown_nor_possible(settings: Settings) -> None:
    settings.SIGN_UP = False
    client = browser()

    refused = [client.get(path(UP)).status_code, sign_up(client, "mei").status_code]

    assert refused == [404, 404]
    assert "sign-up" not in client.get(path(IN)).content.decode()
    assert not User.objects.exists()


# --- Signing in and out


def test_password_lets_in_and_a_wrong_one_does_not() -> None:
    member("mei")
    right, wrong = browser(), browser()

    sign_in(right, "mei")
    page = sign_in(wrong, "mei", OTHER_PASSWORD).content.decode()

    assert signed_in(right)
    assert not signed_in(wrong)
    assert error_at(page, "password").startswith("Name and password do not belong together.")
    assert focused(page) == ["password"]


def test_name_may_be_written_as_phones_write_it() -> None:
    member("mei")
    client = browser()

    sign_in(client, "Mei")

    assert signed_in(client)


def test_names_that_differ_in_their_case_alone_stay_apart() -> None:
    for name in ("mei", "Mei"):
        User.objects.create_user(name, password=f"{PASSWORD} {name}")
    client = browser()

    sign_in(client, "Mei", f"{PASSWORD} Mei")

    assert ">Mei<" in client.get(path(ACCOUNT)).content.decode()


def test_t29_session_known_before_signing_in_is_worth_nothing_after() -> None:
    member("mei")
    client = browser()
    planted = client.session.session_key or ""

    sign_in(client, "mei")

    thief = Client()
    thief.cookies["sessionid"] = planted
    assert client.session.session_key != planted
    assert not signed_in(thief)


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/c/019a0c5e-3f10-7c41-9d2b-6a1f0e8b7c01", "/c/019a0c5e-3f10-7c41-9d2b-6a1f0e8b7c01"),
        ("//evil.example/", "/"),
        ("sign-out", "/"),
        ("nowhere", "/"),
        ("https://evil.example/", "/"),
        ("https:evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("\r\nSet-Cookie: a=b", "/"),
        ("/" + "x" * 3000, "/"),
    ],
)
def test_t45_next_leads_to_this_site_only(wanted: str, reached: str) -> None:
    member("mei")

    response = sign_in(browser(), "mei", next=wanted)

    assert response.headers["Location"] == reached


def test_page_leads_back_to_where_its_link_was() -> None:
    there = "http://testserver/c/019a0c5e-3f10-7c41-9d2b-6a1f0e8b7c01"
    member("mei")

    page = browser().get(path(IN), headers={"Referer": there}).content.decode()
    foreign = (
        browser().get(path(IN), headers={"Referer": "https://evil.example/x"}).content.decode()
    )

    assert f'name="next" value="{there}"' in page
    assert 'name="next" value="/"' in foreign


def test_sign_out_leaves_a_browser_as_if_it_were_new() -> None:
    client = member("mei")
    mine = account("mei").visitor.pk if titles(client) == [] else None
    assert mine
    conversation(mine, "Mine alone")
    assert titles(client) == ["Mine alone"]

    response = client.post(path(OUT))
    client.get("/")

    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert titles(client) == []
    assert visitor_of(client) != mine
    assert not signed_in(client)


def test_t48_admin_leaves_nothing_behind_either() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("expert"))

    response = client.post("/admin/logout/")

    assert response.status_code == 200
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "no-store" in response.headers["Cache-Control"]
    assert client.get("/admin/").status_code == 302


def test_t43_nobody_is_signed_out_by_a_link_or_without_the_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("mei"))

    answers = [client.get(path(OUT)).status_code]
    answers += [
        client.post(path(page)).status_code for page in (OUT, "delete", "claim", "password")
    ]

    assert answers == [405, 403, 403, 403, 403]
    assert signed_in(client)


@pytest.mark.parametrize("page", PAGES)
def test_t48_no_cache_keeps_a_page_of_an_account(page: str) -> None:
    response = member("mei").get(path(page))

    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.parametrize("page", ["", "claim", "password", "sign-out-elsewhere", "data", "delete"])
def test_stranger_is_asked_to_sign_in_first(page: str) -> None:
    response = browser().get(path(page))

    assert response.headers["Location"] == f"/accounts/sign-in?next=/accounts/{page}"


def test_browser_of_an_account_that_was_shut_becomes_a_new_visitor() -> None:
    client = member("mei")
    User.objects.update(is_active=False)

    client.get("/")

    assert "_auth_user_id" not in client.session
    assert visitor_of(client)


def test_socket_takes_a_session_from_before_a_new_secret_key_as_it_is(settings: Settings) -> None:
    """It has no answer that could tell the browser of another one."""
    client = member("mei")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"

    session = open_session(client.cookies[COOKIE].value)

    assert session.identity.name == "mei"
    assert session.key == client.cookies[COOKIE].value
    assert ended([session]) == set()


# --- Guessing


def test_sixth_wrong_password_is_refused_whether_the_name_exists_or_not() -> None:
    member("mei")
    pages = {
        name: [sign_in(browser(), name, OTHER_PASSWORD) for _ in range(6)]
        for name in ("mei", "nobody")
    }

    statuses = {name: [each.status_code for each in told] for name, told in pages.items()}
    said = {error_at(told[-1].content.decode(), "password") for told in pages.values()}

    assert statuses["mei"] == statuses["nobody"] == [200] * 5 + [429]
    assert said == {"Too many tries. Please wait 6 minutes, then try again."}


def test_right_password_does_not_help_while_a_name_waits() -> None:
    member("mei")
    for _ in range(5):
        sign_in(browser(), "MEI", OTHER_PASSWORD)
    client = browser()

    assert sign_in(client, "mei").status_code == 429
    assert not signed_in(client)


def test_right_password_forgives_the_wrong_ones_before_it() -> None:
    member("mei")
    for _ in range(2):
        for _ in range(4):
            sign_in(browser(), "mei", OTHER_PASSWORD)
        assert sign_in(browser(), "mei").status_code == 302


def test_address_that_tries_many_names_is_refused(settings: Settings) -> None:
    settings.SIGN_IN_FAILURES_PER_IP = 3
    member("mei")

    tried = [sign_in(browser(), f"parent{n}", OTHER_PASSWORD).status_code for n in range(4)]

    assert tried == [200, 200, 200, 429]
    assert sign_in(browser(), "mei").status_code == 429


def test_address_that_makes_many_accounts_is_refused_before_it_learns_of_names(
    settings: Settings,
) -> None:
    settings.SIGN_UPS_PER_IP = 2
    member("mei")
    member("lan")

    response = sign_up(browser(), "mei")

    assert response.status_code == 429
    assert error_at(response.content.decode(), "username").startswith("Too many tries.")


def test_admin_counts_wrong_passwords_of_the_staff_too() -> None:
    User.objects.create_superuser("chen", password=PASSWORD)
    login = {"username": "chen", "password": OTHER_PASSWORD}
    for _ in range(5):
        Client().post("/admin/login/", login)
    client = Client()

    page = client.post("/admin/login/", {**login, "password": PASSWORD}).content.decode()

    assert "Too many tries." in page
    assert "_auth_user_id" not in client.session


def test_password_is_not_guessed_at_a_page_that_was_left_open() -> None:
    client = member("mei")

    statuses = [client.post(path("delete"), {"password": "guess"}).status_code for _ in range(6)]

    assert statuses == [200] * 5 + [429]
    assert User.objects.exists()


# --- What an owner can do


def test_new_password_signs_out_every_other_browser() -> None:
    here, elsewhere = member("mei"), browser()
    sign_in(elsewhere, "mei")

    entries = {"old_password": PASSWORD}
    entries |= {"new_password1": OTHER_PASSWORD, "new_password2": OTHER_PASSWORD}
    response = here.post(path("password"), entries, follow=True)

    assert "Your password is changed." in response.content.decode()
    assert signed_in(here)
    assert not signed_in(elsewhere)
    assert account("mei").check_password(OTHER_PASSWORD)


def test_new_password_wants_the_old_one() -> None:
    client = member("mei")
    entries = {"old_password": "wrong"}
    entries |= {"new_password1": OTHER_PASSWORD, "new_password2": OTHER_PASSWORD}

    page = client.post(path("password"), entries).content.decode()

    assert error_at(page, "old_password") == "That is not your password."
    assert account("mei").check_password(PASSWORD)


def test_signing_out_everywhere_else_keeps_this_browser_and_the_password() -> None:
    here, elsewhere = member("mei"), browser()
    sign_in(elsewhere, "mei")

    here.post(path("sign-out-elsewhere"), {"password": PASSWORD})

    assert signed_in(here)
    assert not signed_in(elsewhere)
    assert account("mei").check_password(PASSWORD)


def test_my_data_is_everything_of_mine_and_nothing_of_others() -> None:
    mei, lan = member("mei"), member("lan")
    for client, name, title in ((mei, "mei", "My son bites"), (lan, "lan", "A private matter")):
        titles(client)
        conversation(account(name).visitor.pk, title)

    response = mei.get(path("data"))

    told = json.loads(response.content)
    (only,) = told["conversations"]
    assert response.headers["Content-Disposition"] == 'attachment; filename="expertline.json"'
    assert told["account"]["name"] == "mei"
    assert [each["text"] for each in only["messages"]] == ["My son bites", "To My son bites"]
    assert only["messages"][1]["feedback"]["value"] == "up"
    assert "private" not in response.content.decode()


def test_expert_who_is_signed_in_may_chat_and_finds_the_way_to_the_admin() -> None:
    User.objects.create_superuser("chen", password=PASSWORD)
    client = browser()

    sign_in(client, "chen")

    assert 'href="/admin/"' in client.get(path(ACCOUNT)).content.decode()
    assert client.get("/").status_code == 200
