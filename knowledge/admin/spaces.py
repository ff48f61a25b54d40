"""Embedding spaces: what search has learnt of the answers. Nothing here is edited by hand."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Count, F, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from knowledge import wiring
from knowledge.admin.read_only import ReadOnlyAdmin
from knowledge.calibration import calibrate
from knowledge.embedders.base import EmbedderError
from knowledge.models import Answer, EmbeddingSpace, Locale

if TYPE_CHECKING:
    from typing import TypedDict

    from django_stubs_ext import WithAnnotations

    class Counts(TypedDict):
        stored: int
        findable: int
        published: int

    CountedSpace = WithAnnotations[EmbeddingSpace, Counts]


MISMATCH = _(
    "The settings name the embedder %(configured)s, but the answers are searched with %(active)s."
    " To change over, run: manage.py reembed"
)


@admin.register(EmbeddingSpace)
class EmbeddingSpaceAdmin(ReadOnlyAdmin):
    list_display = [
        *("fingerprint", "active", "dimensions", "bars_by_language", "clear_bars_by_language"),
        *("certain_margins_by_language", "rounded_spread", "calibrated_at", "calibrated_answers"),
        *("number_of_vectors", "waiting"),
    ]
    fields = [
        *("fingerprint", "active", "dimensions", "bars_by_language", "clear_bars_by_language"),
        *("certain_margins_by_language", "rounded_spread", "calibrated_at", "calibrated_answers"),
        *("number_of_vectors", "waiting", "created_at"),
    ]
    ordering = ["-active", "-created_at"]
    actions = ["calibrate_now"]

    def has_calibrate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("knowledge.change_embeddingspace")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        mismatch = wiring.mismatch()
        if mismatch:
            names = {"configured": mismatch.configured, "active": mismatch.active}
            messages.warning(request, MISMATCH % names)
        return super().changelist_view(request, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmbeddingSpace]:
        published = Answer.objects.filter(status=Answer.Status.PUBLISHED).order_by()
        fresh = Q(
            vectors__answer__status=Answer.Status.PUBLISHED,
            vectors__content_hash=F("vectors__answer__content_hash"),
            vectors__answer__lexical_entry__isnull=False,
        )
        number = published.values("status").annotate(number=Count("pk")).values("number")
        spaces: QuerySet[EmbeddingSpace] = super().get_queryset(request)
        return spaces.annotate(
            stored=Count("vectors"),
            findable=Count("vectors", filter=fresh),
            published=Coalesce(Subquery(number), 0),
        )

    @admin.display(description=_("bars"))
    def bars_by_language(self, space: EmbeddingSpace) -> str:
        return by_language(space.bars)

    @admin.display(description=_("bars of a clear answer"))
    def clear_bars_by_language(self, space: EmbeddingSpace) -> str:
        return by_language(space.clear_bars)

    @admin.display(description=_("margins beyond doubt"))
    def certain_margins_by_language(self, space: EmbeddingSpace) -> str:
        return by_language(space.certain_margins)

    @admin.display(description=_("spread"), ordering="spread")
    def rounded_spread(self, space: EmbeddingSpace) -> str:
        return f"{space.spread:.4f}"

    @admin.display(description=_("vectors"), ordering="stored")
    def number_of_vectors(self, space: "CountedSpace") -> int:
        return space.stored

    @admin.display(description=_("answers waiting"))
    def waiting(self, space: "CountedSpace") -> int:
        return space.published - space.findable

    @admin.action(permissions=["calibrate"], description=_("Calibrate now"))
    def calibrate_now(self, request: HttpRequest, spaces: QuerySet[EmbeddingSpace]) -> None:
        """Only the space in use can be."""
        try:
            space = calibrate(wiring.embedder())
        except EmbedderError:
            text = _("The program that makes texts searchable does not respond. Try again later.")
            messages.error(request, text)
            return
        messages.info(request, _("%s was calibrated.") % space)


def by_language(bars: dict[str, float]) -> str:
    names = dict(Locale.choices)
    return " · ".join(
        f"{names.get(locale, locale)} {bar:.3f}" for locale, bar in sorted(bars.items())
    )
