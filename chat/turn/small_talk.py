"""Greetings, thanks and goodbyes, for when no model is there to answer them.

Only a message made of nothing but such phrases counts: "你好，孩子不睡觉" is a question.
"""

import re
import unicodedata
from typing import Literal

Kind = Literal["greeting", "thanks", "farewell"]

PHRASES: dict[Kind, frozenset[str]] = {
    "greeting": frozenset(
        "你好 您好 你好啊 你好呀 您好啊 大家好 哈喽 哈啰 嗨 嘿 喂 在吗 在不在 有人吗"
        " 早 早安 早上好 上午好"
        " 中午好 下午好 晚上好 晚安"
        " hi hello hey hiya there everyone"
        " morning afternoon evening good greetings".split()
    ),
    "thanks": frozenset(
        "谢谢 谢谢你 谢谢您 谢谢啦 多谢 感谢 非常感谢 谢了 太感谢了 辛苦了 thanks thank you"
        " thx much very so many ta".split()
    ),
    "farewell": frozenset("再见 拜拜 下次见 回头见 我走了 bye goodbye see later byebye".split()),
}
FILLERS = frozenset("啊 呀 哦 嗯 吗 you again".split())
LONGEST = 40


def kind_of(text: str) -> Kind | None:
    """The kind of small talk that all of `text` is, or None."""
    if len(text) > LONGEST:
        return None
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    found: Kind | None = None
    for word in words:
        kind = next((kind for kind, phrases in PHRASES.items() if word in phrases), None)
        if kind is None and word not in FILLERS:
            return None
        found = found or kind
    return found
