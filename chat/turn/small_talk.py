"""Greetings, thanks and goodbyes, for when no model is there to answer them.

Only a message made of nothing but such phrases counts: "你好，孩子不睡觉" is a question.
"""

import re
import unicodedata
from typing import Literal

Kind = Literal["greeting", "thanks", "farewell"]

PHRASES: dict[Kind, frozenset[str]] = {
    "greeting": frozenset(
        "你好 您好 大家好 哈喽 哈啰 嗨 嘿 喂 在吗 在不在 有人吗 早 早安 早上好 上午好 中午好"
        " 下午好 晚上好 晚安 hi hello hey hiya morning afternoon evening greetings".split()
    ),
    "thanks": frozenset(
        "谢谢 谢谢你 谢谢您 多谢 感谢 非常感谢 谢了 太感谢了 辛苦了 thanks thank thx".split()
    ),
    "farewell": frozenset("再见 拜拜 下次见 回头见 我走了 bye byebye goodbye".split()),
}
FILLERS = frozenset("好 嗯 you so very much many good there everyone again see later".split())
"""Words that may stand beside a phrase and mean nothing alone."""
PARTICLES = "啊呀哦啦呢吗"
SEE_YOU = ["see", "you"]
LONGEST = 40


def kind_of(text: str) -> Kind | None:
    """The kind of small talk that all of `text` is, or None. The first phrase counts."""
    if len(text) > LONGEST:
        return None
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    kinds = [kind_of_word(word) for word in words]
    if any(kind is None and word not in FILLERS for kind, word in zip(kinds, words, strict=True)):
        return None
    if words[:2] == SEE_YOU:
        return "farewell"
    return next((kind for kind in kinds if kind), None)


def kind_of_word(word: str) -> Kind | None:
    forms = {word, word.rstrip(PARTICLES)}
    return next((kind for kind, phrases in PHRASES.items() if phrases & forms), None)
