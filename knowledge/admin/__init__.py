"""Where experts curate: answers with their wordings, and what search has learnt of them.

Django looks for this package by its name and registers what the modules below name.
"""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from knowledge.admin import answers, spaces

__all__ = ["answers", "spaces"]

admin.site.site_header = admin.site.site_title = "Expertline"
admin.site.index_title = _("Answers and conversations")
