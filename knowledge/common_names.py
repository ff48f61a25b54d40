"""One name for what the field calls by several: a small embedder does not know that they are one.

Only what is embedded and indexed is rewritten so, never what anybody reads.
"""

import re
from dataclasses import dataclass

from knowledge.plain_text import HAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something with several names. The others are patterns; longer ones come first."""

    chinese: str
    english: str
    others: tuple[str, ...]


SUBJECTS = (
    Subject(
        chinese="自闭症",
        english="autism",
        others=(
            "(?:孤独症|自闭症)谱系(?:障碍)?",
            "孤独症",
            "自闭(?!症)",
            "autis(?:m|tic) spectrum (?:disorders?|conditions?)",
            "ASD",
        ),
    ),
    Subject(
        chinese="多动症",
        english="ADHD",
        others=(
            "注意力?缺[陷失][与及]?(?:多动|过动)(?:障碍|症)",
            "attention[- ]deficit[-/ ]+hyperactivity disorders?",
            "ADHD",
        ),
    ),
    Subject(
        chinese="阿斯伯格综合征",
        english="Asperger syndrome",
        others=(
            "[阿亚]斯伯格(?:综合[征症]|症候群|症)?",
            "Asperger(?:[’']?s)?(?: syndrome| disorder)?",
        ),
    ),
    Subject(chinese="感觉统合", english="sensory integration", others=("感统",)),
    Subject(
        chinese="应用行为分析",
        english="applied behavior analysis",
        others=("应用行为分析法?", "applied behaviou?r(?:al)? analysis", "ABA"),
    ),
    Subject(
        chinese="图片交换沟通系统",
        english="picture exchange communication system",
        others=("PECS",),
    ),
    Subject(
        chinese="个别化教育计划",
        english="individualized education program",
        others=("individuali[sz]ed education(?:al)? (?:programs?|programmes?|plans?)", "IEP"),
    ),
)
WORD = re.compile(r"[A-Za-z]")


def alone(pattern: str) -> str:
    """A pattern that begins with a Latin letter matches whole words only."""
    return rf"(?<![A-Za-z]){pattern}(?![A-Za-z])" if WORD.match(pattern) else pattern


ANY_NAME = re.compile(
    "|".join(
        f"(?P<subject{number}>{'|'.join(alone(other) for other in subject.others)})"
        for number, subject in enumerate(SUBJECTS)
    ),
    re.IGNORECASE,
)


def commonly_named(text: str) -> str:
    """`text` with the common name of each subject, in Chinese wherever it has Chinese in it."""
    chinese = HAN.search(text) is not None

    def name(found: re.Match[str]) -> str:
        subject = SUBJECTS[int((found.lastgroup or "").removeprefix("subject"))]
        return subject.chinese if chinese else subject.english

    return ANY_NAME.sub(name, text)
