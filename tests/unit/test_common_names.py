"""What the field calls by several names is given one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.common_names import SUBJECTS, commonly_named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("孤独症怎么办", "自闭症怎么办", id="another name"),
        pytest.param("孤独症谱系障碍的孩子", "自闭症的孩子", id="the longer one"),
        pytest.param("孩子有点自闭", "孩子有点自闭症", id="the beginning of one"),
        pytest.param("孩子确诊ASD了", "孩子确诊自闭症了", id="abbreviation within Chinese"),
        pytest.param("My son has ASD.", "My son has autism.", id="abbreviation in English"),
        pytest.param("autistic spectrum conditions", "autism", id="many words"),
        pytest.param("注意力缺失过动症", "多动症", id="as Taiwan says it"),
        pytest.param("ADHD和多动症", "多动症和多动症", id="both of them"),
        pytest.param("Asperger’s", "Asperger syndrome", id="a person's name"),
        pytest.param("感统训练", "感觉统合训练", id="short form"),
        pytest.param("ABA疗法", "应用行为分析疗法", id="method"),
        pytest.param(
            "individualised education plan", "individualized education program", id="plan"
        ),
        pytest.param("basd, Nasdaq, dabaaba", "basd, Nasdaq, dabaaba", id="part of a word"),
        pytest.param("autistic adults", "autistic adults", id="no name"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_text_has_the_common_names(text: str, named: str) -> None:
    assert commonly_named(text) == named


@given(
    st.lists(
        st.sampled_from(
            [name for subject in SUBJECTS for name in (subject.chinese, subject.english)]
            + ["孩子", " ", "x", "谱系", "障碍", "’s"]
        )
    )
)
def test_common_names_stay(parts: list[str]) -> None:
    named = commonly_named(" ".join(parts))

    assert commonly_named(named) == named
