"""What in an expert's text was meant for a program and not for people; found, and taken out.

It is no protection by itself: what is found here waits for a person who reads it.
"""

import re
import unicodedata

from knowledge.plain_text import HAN, HIDDEN

INVISIBLE = "invisible"
COMMENT = "comment"
CONCEALED = "concealed"
INSTRUCTIONS = "instructions"
CODES = (INVISIBLE, COMMENT, CONCEALED, INSTRUCTIONS)

HARMLESS = re.compile("[\u00ad\ufeff]+")
"""A hyphenation mark and a byte order mark: word processors leave them behind."""
OPENING = "<!--"
COMMENT_WORDS = 5
COMMENT_HAN = 8
"""From here on a comment is a sentence, and no mark of an editor."""
COLON = r"\s{0,9}:\s{0,9}"
NONE = r"0(?![.\d]*[1-9])"
CONCEALING_STYLE = re.compile(
    rf"display{COLON}none|visibility{COLON}(?:hidden|collapse)|font(?:-size)?{COLON}{NONE}"
    rf"|opacity{COLON}{NONE}|(?:left|top|text-indent){COLON}-\d{{3,}}"
)
PALE = rf"(?<![\w-])color{COLON}(?:white\b|transparent|#fff(?:fff)?\b|rgba?\(\s?255\W+255\W+255)"
"""What nobody reads on white paper."""
CONCEALING_TAG = re.compile(
    rf"<[a-z][^<>]{{0,500}}?(?:style\s?=[^<>]{{0,200}}?(?:{CONCEALING_STYLE.pattern}|{PALE})"
    r"|\shidden(?=[\s>=])|\saria-hidden\s?=\W?true)"
)
ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}?\b(?:previous|prior|above|earlier"
    r"|preceding|foregoing|all|any|your|the system)\b.{0,30}?\b(?:instructions?|prompts?|rules"
    r"|messages?|directions|guidelines|context)\b"
    r"|(?:^|[.!?。])[\s#>*\[<|]{0,20}(?:system|assistant|developer)(?: prompt| message)?"
    r"\s?[\]>|*]{0,5}\s?:"
    r"|<\|[a-z_]{2,30}\|>|\[/?inst\]|<</?sys>>|</?system>"
    r"|\b(?:reveal|print|show|repeat|output)\b.{0,20}\b(?:system prompt|your instructions)\b"
    r"|\byou are now\b.{0,20}\b(?:ai|assistant|chatbot|dan|jailbroken|developer mode)\b"
    r"|(?:忽略|无视|忘记|忘掉|抛开|不要理会|不要遵守|不要遵循|覆盖|無視|忘記).{0,6}?"
    r"(?:以上|上述|上面|之前|此前|前面|先前|所有|全部|一切|任何|你的|系统|系統).{0,10}?"
    r"(?:指令|指示|提示词|提示|命令|设定|规则|规定|要求|内容|说明|对话|規則)"
    r"|(?:^|[.!?。])[\s#>*\[【(]{0,20}(?:系统|系統)(?:提示词|提示|指令|消息|命令)?[\]】)]{0,5}\s?:"
    r"|(?:输出|显示|泄露|告诉我|重复).{0,8}(?:系统提示|提示词|你的指令)"
    r"|你现在(?:是|扮演|将扮演)(?:一个|一名)?(?:ai|人工智能|聊天机器人|机器人|dan|不受限制)",
    re.MULTILINE,
)
ORDER_HINTS = re.compile(
    "ignore|disregard|forget|override|bypass|system|assistant|developer|inst|<|reveal|print|show"
    "|repeat|output|you are now"
    "|忽略|无视|忘|抛开|不要|覆盖|無視|系统|系統|输出|显示|泄露|告诉|重复|你现在"
)
"""One of these is in every order: most texts need not be searched for more."""


def cleaned(text: str) -> tuple[str, frozenset[str]]:
    """`text` without what people would not see, and the codes of what is odd about it."""
    shown, codes = without_invisible(text)
    if OPENING in shown:
        shown, found = without_comments(shown)
        codes |= found
    if gives_orders(shown):
        codes |= {INSTRUCTIONS}
    if "<" in shown and CONCEALING_TAG.search(shown.lower()):
        codes |= {CONCEALED}
    return shown, codes


def without_invisible(text: str) -> tuple[str, frozenset[str]]:
    if text.isascii():
        return text, frozenset()
    shown = HIDDEN.sub("", text)
    if len(shown) == len(text) or shown == HARMLESS.sub("", text):
        return shown, frozenset()
    return shown, frozenset({INVISIBLE})


def without_comments(text: str) -> tuple[str, frozenset[str]]:
    """Without HTML comments; one that is not closed stays, where everybody sees it.

    What stood around a comment never makes a new one: a space keeps it apart then.
    """
    kept: list[str] = []
    codes: frozenset[str] = frozenset()
    at, before = 0, ""
    while (start := text.find(OPENING, at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        codes |= oddity_of_comment(text[start + 4 : end])
        before = (before + text[max(at, start - 3) : start])[-3:]
        at = end + 3
        if OPENING in before + text[at : at + 3]:
            kept.append(" ")
            before = ""
    return "".join([*kept, text[at:]]), codes


def oddity_of_comment(text: str) -> frozenset[str]:
    codes = {INSTRUCTIONS} if gives_orders(text) else set()
    if len(text.split()) >= COMMENT_WORDS or len(HAN.findall(text)) >= COMMENT_HAN:
        codes.add(COMMENT)
    return frozenset(codes)


def gives_orders(text: str) -> bool:
    """Whether it speaks to a model: “ignore previous instructions”, “SYSTEM:”, 忽略以上指令."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    folded = plain.casefold()
    return bool(ORDER_HINTS.search(folded)) and bool(ORDERS.search(folded))


def joined(codes: frozenset[str]) -> str:
    return ",".join(code for code in CODES if code in codes)
