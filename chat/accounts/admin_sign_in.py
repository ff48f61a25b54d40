"""The admin's own sign-in counts wrong passwords as that of visitors does."""

from django.contrib import admin

from chat.accounts.forms import StaffSignInForm

admin.site.login_form = StaffSignInForm
