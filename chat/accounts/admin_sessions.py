"""Signing in and out in the admin is what it is elsewhere: guesses count, and nothing is left."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from chat.accounts.answers import cleared
from chat.accounts.claiming import forget_who_left_nothing
from chat.accounts.forms import StaffSignInForm

admin.site.login_form = StaffSignInForm


def sign_out(request: HttpRequest) -> HttpResponse:
    forget_who_left_nothing(request.session)
    return cleared(admin.site.logout(request))
