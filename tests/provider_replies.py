"""What each response of tests/recordings comes to, once the adapter has read it."""

from dataclasses import dataclass

from chat.turn.language_model import FinishReason

QUESTION = "孩子总是撞头怎么办？"
ANSWER = "先护住孩子的头，再找原因。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a recorded reply says; `usage` are tokens in and out, `asked` the questions of calls."""

    text: str = ""
    asked: tuple[str, ...] = ()
    usage: tuple[int, int] | None
    finish: FinishReason = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a recorded error comes to, after `text`."""

    code: str = "upstream_error"
    retryable: bool = False
    retry_after: float | None = None
    text: str = ""


CALL = (QUESTION,)
TWO = ("孩子撞头", "孩子不睡觉")
ROUNDS = {
    "openai/greeting": Round(text="您好！请告诉我孩子的情况。", usage=(231, 11)),
    "openai/tool_call": Round(asked=CALL, usage=(231, 24), finish="tool_calls"),
    "openai/parallel_calls": Round(asked=TWO, usage=(240, 51), finish="tool_calls"),
    "openai/answer": Round(text=ANSWER, usage=(612, 12)),
    "openai/cut_short": Round(text="先护住", usage=(231, 3), finish="length"),
    "azure/greeting": Round(text="您好！请说。", usage=(88, 6)),
    "azure/tool_call": Round(asked=CALL, usage=(231, 24), finish="tool_calls"),
    "azure/answer": Round(text=ANSWER, usage=(612, 14)),
    "azure/asynchronous_filter": Round(text="先护住头。", usage=None),
    "azure/reply_filtered": Round(text="Hey Jude", usage=None, finish="content_filter"),
    "deepseek/greeting": Round(text="您好！请说。", usage=(19, 7)),
    "deepseek/tool_call": Round(
        text="我查一下。", asked=CALL, usage=(231, 30), finish="tool_calls"
    ),
    "deepseek/answer": Round(text=ANSWER, usage=(612, 14)),
    "deepseek/reasoning": Round(text="您好！", usage=(9, 12)),
    "qwen/greeting": Round(text="您好！请说。", usage=(26, 7)),
    "qwen/tool_call": Round(asked=CALL, usage=(231, 24), finish="tool_calls"),
    "qwen/tool_call_with_repeated_id": Round(asked=CALL, usage=(231, 24), finish="tool_calls"),
    "qwen/answer": Round(text=ANSWER, usage=(612, 14)),
    "qwen/thinking": Round(text="您好！", usage=(26, 12)),
    "moonshot/greeting": Round(text="您好！请说。", usage=(19, 7)),
    "moonshot/tool_call": Round(
        text="我查一下。", asked=CALL, usage=(231, 30), finish="tool_calls"
    ),
    "moonshot/answer": Round(text=ANSWER, usage=(612, 14)),
    "moonshot/thinking": Round(text="您好！", usage=(19, 12)),
    "minimax/greeting": Round(text="您好！请说。", usage=(26, 12)),
    "minimax/thinking_inside": Round(text="您好！请说。", usage=(26, 18)),
    "minimax/tool_call": Round(asked=CALL, usage=(231, 40), finish="tool_calls"),
    "minimax/answer": Round(text=ANSWER, usage=(612, 14)),
    "ollama/greeting": Round(text="您好！请说。", usage=(21, 6)),
    "ollama/tool_call": Round(asked=CALL, usage=(188, 22), finish="tool_calls"),
    "ollama/tool_call_that_stops": Round(asked=CALL, usage=(188, 22), finish="tool_calls"),
    "ollama/two_calls_of_index_0": Round(asked=TWO, usage=(188, 41), finish="tool_calls"),
    "ollama/answer": Round(text=ANSWER, usage=(402, 13)),
    "ollama/thinking": Round(text="您好！", usage=(21, 9)),
    "vllm/greeting": Round(text="您好！请说。", usage=(21, 6)),
    "vllm/usage_in_every_chunk": Round(text="您好！", usage=(21, 3)),
    "vllm/tool_call": Round(asked=CALL, usage=(188, 22), finish="tool_calls"),
    "vllm/answer": Round(text=ANSWER, usage=(402, 13)),
    "vllm/reasoning": Round(text="您好！", usage=(21, 9)),
    "vllm/thinking_inside": Round(text="您好！", usage=(21, 14)),
    "llamacpp/greeting": Round(text="您好！请说。", usage=(20, 6)),
    "llamacpp/timings_without_usage": Round(text="您好！", usage=None),
    "llamacpp/tool_call": Round(asked=CALL, usage=(180, 22), finish="tool_calls"),
    "llamacpp/answer": Round(text=ANSWER, usage=(402, 13)),
    "llamacpp/reasoning": Round(text="您好！", usage=(20, 9)),
}

BUSY = Failure(code="upstream_rate_limited", retryable=True)
FAILURES = {
    "openai/bad_key": Failure(),
    "openai/rate_limited": Failure(code="upstream_rate_limited", retryable=True, retry_after=20),
    "openai/no_quota": Failure(code="upstream_rate_limited"),
    "openai/model_missing": Failure(),
    "azure/prompt_filtered": Failure(),
    "azure/bad_key": Failure(),
    "azure/rate_limited": Failure(code="upstream_rate_limited", retryable=True, retry_after=26),
    "azure/deployment_missing": Failure(),
    "deepseek/gave_up": Failure(text="先护", retryable=True),
    "deepseek/gave_up_waiting": Failure(code="upstream_truncated", retryable=True),
    "deepseek/bad_key": Failure(),
    "deepseek/no_balance": Failure(),
    "deepseek/model_missing": Failure(),
    "deepseek/rate_limited": BUSY,
    "deepseek/overloaded": Failure(retryable=True),
    "qwen/bad_key": Failure(),
    "qwen/rate_limited": BUSY,
    "qwen/model_missing": Failure(),
    "qwen/sensitive": Failure(),
    "moonshot/bad_key": Failure(),
    "moonshot/rate_limited": BUSY,
    "moonshot/overloaded": BUSY,
    "moonshot/no_balance": BUSY,
    "moonshot/model_missing": Failure(),
    "moonshot/sensitive": Failure(),
    "minimax/rate_limited": BUSY,
    "minimax/token_limit_midway": Failure(
        code="upstream_rate_limited", retryable=True, text="先护住"
    ),
    "minimax/bad_key": Failure(),
    "minimax/bad_key_by_status": Failure(),
    "minimax/no_balance": Failure(),
    "minimax/input_sensitive": Failure(),
    "minimax/output_sensitive": Failure(text="先护住"),
    "minimax/refused_in_json": Failure(retryable=True),
    "minimax/model_missing": Failure(),
    "ollama/model_missing": Failure(),
    "ollama/no_tools": Failure(),
    "ollama/failed": Failure(retryable=True),
    "vllm/failed_midway": Failure(text="先护", retryable=True),
    "vllm/failed_midway_in_older_form": Failure(text="先护", retryable=True),
    "vllm/bad_key": Failure(),
    "vllm/model_missing": Failure(),
    "vllm/no_tools": Failure(),
    "llamacpp/failed_midway": Failure(text="先护", retryable=True),
    "llamacpp/failed_midway_in_older_form": Failure(
        code="upstream_truncated", text="先护", retryable=True
    ),
    "llamacpp/bad_key": Failure(),
    "llamacpp/loading": Failure(retryable=True),
    "llamacpp/too_long": Failure(),
    "llamacpp/no_tools": Failure(retryable=True),
}
TEMPERATURE_REFUSED = ("openai/temperature_refused", "moonshot/temperature_refused")
PARAMETER_REFUSED = ("moonshot/thinking_required",)
