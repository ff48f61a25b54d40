"""What the fields of a file are called, in English and in Chinese."""

import re
from functools import lru_cache

from knowledge.plain_text import folded

SYNONYMS = {
    "id": ("id", "external_id", "编号"),
    "question": (
        *("question", "questions", "问题", "问", "问法", "提问"),
        *("标准问题", "标准问", "相似问题", "相似问", "相似问法"),
    ),
    "answer": ("answer", "答案", "回答", "答", "答复"),
    "topic": ("topic", "category", "分类", "类别", "主题"),
    "locale": ("locale", "lang", "language", "语言", "语种"),
    "verbatim": ("verbatim", "原文", "逐字"),
    "expert": ("expert", "expert_name", "专家", "专家姓名"),
    "role": ("role", "expert_role", "职称", "职务", "头衔"),
    "basis": ("basis", "依据"),
    "basis_url": ("basis_url", "依据链接", "依据网址"),
    "reviewed_at": ("reviewed_at", "reviewed_on", "审核日期", "审阅日期"),
    "review_by": ("review_by", "复审日期", "下次审核日期"),
    "source": ("source", "来源"),
    "licence": ("licence", "license", "许可"),
}
FIELDS = {synonym: field for field, synonyms in SYNONYMS.items() for synonym in synonyms}
REFUSED = frozenset(
    "status published reviewed_by reviewer embedding vector version owner 状态 审核人".split()
)
"""What only people decide, in the admin, or the program works out for itself."""
NUMBERED_QUESTION = re.compile(r"(question|问题|问法|相似问题|相似问|相似问法)_?[0-9]{1,3}")


@lru_cache(maxsize=1_000)
def field_of(name: str) -> str | None:
    """The field that `name` means, whatever its case and spacing; None if it means nothing here."""
    plain = unified(name)
    return "question" if NUMBERED_QUESTION.fullmatch(plain) else FIELDS.get(plain)


@lru_cache(maxsize=1_000)
def refused(name: str) -> bool:
    plain = unified(name)
    return plain in REFUSED or plain.startswith("is_")


def unified(name: str) -> str:
    return re.sub(r"[\s-]+", "_", folded(name))
