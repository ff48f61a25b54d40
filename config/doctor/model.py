"""The language model: one short question, of whose reply only the beginning is read."""

import asyncio
from contextlib import aclosing

from chat.llm.openai import OpenAILanguageModel
from chat.turn.language_model import ChatMessage, LanguageModel, ModelRequest, UpstreamError
from config.doctor.findings import Finding, ok, problem

QUESTION = "Say ok."
MEANINGS = {
    "upstream_rate_limited": "It refuses: too many requests, or no credit is left.",
    "upstream_timeout": "It said nothing in time.",
    "upstream_stalled": "It fell silent.",
    "upstream_reset": "The connection cannot be made, or broke.",
    "upstream_truncated": "It broke off.",
    "upstream_malformed": "What it sends cannot be read.",
}
"""What a code of docs/protocol.md means here."""
REFUSED = "It refuses, or has a fault of its own."


def language_model(model: LanguageModel | None) -> Finding:
    if model is None:
        return ok("language model", "None, so that the experts are quoted")
    try:
        asyncio.run(first_event(model))
    except UpstreamError as error:
        return problem(
            "language model",
            f"{MEANINGS.get(error.code, REFUSED)} The experts are quoted meanwhile.",
            "Look at OPENAI_API_KEY, OPENAI_BASE_URL and CHAT_MODEL: docs/providers.md has them.",
        )
    return ok("language model", f"{model.name} answers")


async def first_event(model: LanguageModel) -> None:
    """Closing the stream ends the request, and with it what the reply costs."""
    request = ModelRequest(messages=(ChatMessage(role="user", content=QUESTION),))
    try:
        async with aclosing(model.stream(request)) as events:
            await anext(events, None)
    finally:
        if isinstance(model, OpenAILanguageModel):
            await model.aclose()
