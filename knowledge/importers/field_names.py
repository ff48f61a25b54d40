"""What the fields of a file are called, in English and in Chinese."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from knowledge.plain_text import folded

SYNONYMS = {
    "id": (
        *("id", "external_id", "uid", "uuid", "key", "no", "number"),
        *("编号", "序号", "唯一标识", "标识", "知识id", "问题id", "问题编号", "知识编号"),
    ),
    "question": (
        *("question", "questions", "q", "query", "title", "prompt", "faq", "faq_question"),
        *("standard_question", "question_text", "question_title", "user_question"),
        *("问题", "问", "问法", "提问", "提问内容", "标题", "题目", "问题标题", "问题内容"),
        *("标准问题", "标准问", "标准问法", "主问题", "主问法", "用户问题", "常见问题", "咨询问题"),
        *("問題", "提問", "標題", "常見問題"),
    ),
    "similar": (
        *("similar", "similar_question", "similar_questions", "alias", "aliases", "alternatives"),
        *("variant", "variants", "wording", "wordings", "other_questions", "paraphrases"),
        *(
            "相似问题",
            "相似问",
            "相似问法",
            "相似提问",
            "相似说法",
            "扩展问题",
            "扩展问",
            "扩展问法",
        ),
        *("同义问题", "同义问", "同义问法", "其他问法", "别名", "变体", "用户问法", "相似問題"),
    ),
    "answer": (
        *("answer", "answers", "a", "reply", "response", "answer_text", "faq_answer"),
        *("standard_answer", "expert_answer"),
        *("答案", "回答", "答", "答复", "回复", "解答", "标准答案", "标准回答", "参考答案"),
        *("答案内容", "回答内容", "答复内容", "回复内容", "专家回答", "专家解答", "专家答复"),
        *("答覆", "回覆", "專家回答"),
    ),
    "topic": (
        *("topic", "category", "categories", "subject", "theme", "group", "section"),
        *(
            "分类",
            "类别",
            "主题",
            "类目",
            "话题",
            "目录",
            "栏目",
            "知识分类",
            "问题分类",
            "问题类别",
        ),
        *("问题类型", "分類", "類別", "主題"),
    ),
    "locale": ("locale", "lang", "language", "语言", "语种", "語言"),
    "verbatim": ("verbatim", "原文", "逐字", "原文回复", "逐字引用"),
    "expert": (
        *("expert", "expert_name", "author", "answered_by", "doctor"),
        *("专家", "专家姓名", "专家名称", "作者", "回答者", "回答人", "答复人", "解答人", "医生"),
        *("专家名", "專家", "專家姓名"),
    ),
    "role": (
        *("role", "expert_role", "expert_title", "job_title", "profession"),
        *("职称", "职务", "头衔", "专家职称", "专家头衔", "职位", "专业", "職稱"),
    ),
    "basis": (
        *("basis", "evidence", "reference", "references"),
        *("依据", "参考依据", "参考文献", "参考资料", "循证依据", "出处", "引用", "依據"),
    ),
    "basis_url": (
        *("basis_url", "reference_url", "source_url", "url", "link"),
        *("依据链接", "依据网址", "参考链接", "来源链接", "来源网址", "链接", "网址"),
    ),
    "reviewed_at": (
        *("reviewed_at", "reviewed_on", "review_date", "last_reviewed"),
        *("审核日期", "审阅日期", "审核时间", "审阅时间", "审定日期", "最近审核日期", "審核日期"),
    ),
    "review_by": (
        *(
            "review_by",
            "next_review",
            "next_review_date",
            "review_due",
            "expires_at",
            "valid_until",
        ),
        *("复审日期", "复核日期", "下次审核日期", "下次复审日期", "到期日期", "有效期", "有效期至"),
        *("复审时间", "複審日期"),
    ),
    "source": ("source", "origin", "来源", "资料来源", "数据来源", "信息来源", "來源"),
    "licence": ("licence", "license", "copyright", "许可", "许可证", "版权", "授权"),
}
FIELDS = {synonym: field for field, synonyms in SYNONYMS.items() for synonym in synonyms}
IGNORE = "ignore"
"""The field of a column that its owner wants to be left out, even if it is one of the refused."""
REFUSED = frozenset(
    (
        "status published publish reviewed_by reviewer approved approved_by embedding embeddings"
        " vector vectors version owner suspicious content_hash 状态 发布状态 审核状态 是否发布"
        " 已发布 审核人 审阅人 审批人 向量 嵌入 版本 所有者 拥有者 狀態 審核人"
    ).split()
)
"""What only people decide, in the admin, or the program works out for itself."""
NUMBERED = re.compile(
    r"(?P<field>question|q|问题|问法|similar|similar_question|alias|相似问题|相似问|相似问法"
    r"|扩展问题|扩展问)_?[0-9]{1,3}"
)


class FieldMapError(ValueError):
    """What somebody says of a file's columns cannot be; the sentence says why."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """What the names in one file mean: what its owner says of them, else what they usually do."""

    mapped: Mapping[str, str]

    def field_of(self, name: str) -> str | None:
        """The field that `name` means, whatever its case and spacing; None if nothing here."""
        return self.mapped.get(unified(name)) or field_of(name)

    def refused(self, name: str) -> bool:
        """Whether no file may set this."""
        return unified(name) not in self.mapped and refused(name)

    def check(self, headers: Iterable[str]) -> None:
        """Raises FieldMapError if a table has not every column that its owner speaks of."""
        found = [name for name in headers if name.strip()]
        missing = self.mapped.keys() - set(map(unified, found))
        if missing:
            raise FieldMapError(
                f"The file has no column “{min(missing)}”. Its columns: {', '.join(found[:50])}."
            )


def field_names(mapping: Mapping[str, str]) -> FieldNames:
    """The usual names and those of `mapping`, header to field. Raises FieldMapError."""
    known = [*SYNONYMS, IGNORE]
    for header, field in mapping.items():
        if not header.strip() or field not in known:
            raise FieldMapError(
                f"“{header}={field}” names no known field. The fields: {', '.join(known)}."
            )
    return FieldNames({unified(header): field for header, field in mapping.items()})


def field_map(pairs: Iterable[str]) -> dict[str, str]:
    """`header=field` pairs as people write them. Raises FieldMapError."""
    parted = [pair.rpartition("=") for pair in pairs]
    mapping = {header.strip(): field.strip().lower() for header, _, field in parted}
    field_names(mapping)
    return mapping


@lru_cache(maxsize=1_000)
def field_of(name: str) -> str | None:
    plain = unified(name)
    numbered = NUMBERED.fullmatch(plain)
    return FIELDS.get(numbered["field"] if numbered else plain)


@lru_cache(maxsize=1_000)
def refused(name: str) -> bool:
    plain = unified(name)
    return plain in REFUSED or plain.startswith("is_")


@lru_cache(maxsize=1_000)
def unified(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", folded(name)).strip("_ :")


USUAL = FieldNames({})
