"""`{% module_script "chat/main.js" %}`: a page's script, and at once all that it imports."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chat.module_graph import modules_of

register = template.Library()


@register.simple_tag
def module_script(entry: str, *soon: str) -> SafeString:
    """`soon` are what it imports dynamically as its first act; they come after what it needs."""
    names = dict.fromkeys(name for each in (entry, *soon) for name in modules_of(each))
    preloads = ((static(name),) for name in names if name != entry)
    return format_html(
        '<script type="module" src="{}"></script>{}',
        static(entry),
        format_html_join("", '<link rel="modulepreload" href="{}">', preloads),
    )
