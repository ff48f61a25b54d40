"""What operators decide: wordings, keys of programs, sites that show the chat."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from knowledge.models import Locale


class PromptVersion(models.Model):
    """One version of a language's texts; the latest is used. Versions are only ever added.

    Fields from `tool_name` on are those of `chat.turn.prompt.Texts`.
    """

    locale = models.CharField(_("language"), max_length=16, choices=Locale.choices)
    number = models.PositiveIntegerField(_("version"))
    note = models.CharField(_("what changed"), max_length=200, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, verbose_name=_("author")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    tool_name = models.CharField(_("name of the tool"), max_length=64)
    system = models.TextField(_("system prompt"))
    answering = models.TextField(_("answering prompt"))
    tool_description = models.TextField(_("description of the tool"))
    question_description = models.TextField(_("description of the tool's question"))
    greeting = models.TextField(_("greeting"))
    thanks = models.TextField(_("reply to thanks"))
    farewell = models.TextField(_("farewell"))
    quoted = models.TextField(_("before a quoted answer"))
    quoted_by = models.TextField(_("after a quoted answer"))
    several = models.TextField(_("when several answers are near"))
    no_answer = models.TextField(_("when there is no answer yet"))
    withheld = models.TextField(_("when the provider withholds a reply"))
    unavailable = models.TextField(_("when the search is down"))

    class Meta:
        verbose_name = _("version of the texts")
        verbose_name_plural = _("prompts and texts")
        ordering = ["locale", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["locale", "number"], name="prompt_version_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="prompt_version_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.locale}/{self.number}"


class ApiKey(models.Model):
    """Lets a program ask through /v1. Only a hash of the key is kept; its start tells it apart."""

    name = models.CharField(_("name"), max_length=120, help_text=_("Who or what uses it."))
    start = models.CharField(_("key"), max_length=16, editable=False)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    """SHA-256, hexadecimal. A key is 256 random bits, which no slow hash makes safer."""
    footer = models.BooleanField(
        _("sources below replies"),
        default=False,
        help_text=_("Name the experts in the text, for clients that show nothing else."),
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        verbose_name=_("author"),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used at"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, editable=False)
    requests = models.PositiveBigIntegerField(_("requests"), default=0, editable=False)
    input_tokens = models.PositiveBigIntegerField(_("input tokens"), default=0, editable=False)
    output_tokens = models.PositiveBigIntegerField(_("output tokens"), default=0, editable=False)
    cost = models.DecimalField(
        _("cost"), max_digits=16, decimal_places=8, default=0, editable=False
    )

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at"]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="api_key_has_name")]

    def __str__(self) -> str:
        return self.name


class SiteText(models.Model):
    """One version of what the page says of itself; the latest is used. Only ever added."""

    class Kind(models.TextChoices):
        ABOUT = "about", _("what this is")
        CRISIS = "crisis", _("help in a crisis")
        CONSENT = "consent", _("what visitors agree to")
        PRIVACY = "privacy", _("what becomes of the data")

    kind = models.CharField(_("text"), max_length=16, choices=Kind.choices)
    locale = models.CharField(_("language"), max_length=16, choices=Locale.choices)
    number = models.PositiveIntegerField(_("version"))
    text = models.TextField(_("wording"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, verbose_name=_("author")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("text of the page")
        verbose_name_plural = _("texts of the page")
        ordering = ["kind", "locale", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "locale", "number"], name="site_text_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["about", "crisis", "consent", "privacy"]),
                name="site_text_kind_known",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="site_text_number_positive"),
            models.CheckConstraint(condition=~Q(text=""), name="site_text_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.locale}/{self.number}"


class WidgetOrigin(models.Model):
    """A site that may show the chat in a frame on its pages."""

    origin = models.CharField(_("site"), max_length=200, unique=True)
    """Scheme, host and unusual port, as a browser writes them."""
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("site with the chat")
        verbose_name_plural = _("sites with the chat")
        ordering = ["origin"]
        constraints = [
            models.CheckConstraint(
                condition=Q(origin__regex=r"^https?://[a-z0-9.-]+(:[0-9]+)?$"),
                name="widget_origin_form",
            ),
        ]

    def __str__(self) -> str:
        return self.origin
