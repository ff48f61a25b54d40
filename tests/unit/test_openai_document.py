"""docs/openai-api.md tells the truth: its examples and its table of errors."""

import ast
import json
import re

from chat.openai_api.completion import Completion, model_object
from chat.openai_api.message_content import SENTENCES
from chat.openai_api.refusals import error_object, unknown_model
from chat.turn.events import Outcome, Usage
from tests.experts import answer
from tests.unit.documents import ROOT, all_paths, constants, fenced, rows, sources_of

PAGE = (ROOT / "docs/openai-api.md").read_text(encoding="utf-8")
COMPLETION = Completion(id="chatcmpl-1", created=1)
OUTCOME = Outcome(
    grounding="answer",
    sources=(answer("Why?").source,),
    suggestions=("When?",),
    usage=Usage(input_tokens=1, output_tokens=1, estimated=False),
)


def codes_raised() -> set[str]:
    """Constants that code of /v1 gives as a `code`."""
    keywords = [
        keyword.value
        for node in sources_of("chat/openai_api")
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "code"
    ]
    return {str(code) for code in constants(keywords) if code}


def test_examples_have_exactly_the_keys_of_what_is_sent() -> None:
    reply, error = [
        json.loads(line) for block in fenced(PAGE, "json") for line in block.split("\n") if line
    ]

    assert all_paths([reply]) == all_paths([COMPLETION.whole("Because.", OUTCOME)])
    assert error == error_object(unknown_model())


def test_every_code_is_in_the_table() -> None:
    cells = " ".join(row[1] for row in rows(PAGE, "## Errors"))
    documented = set(re.findall(r"`([a-z_]+)`", cells))

    assert codes_raised() | SENTENCES.keys() <= documented
    assert documented - codes_raised() - SENTENCES.keys() == {"unavailable", "draining", "internal"}


def test_model_has_the_name_that_is_documented() -> None:
    assert f"| Model | `{model_object()['id']}` |" in PAGE
