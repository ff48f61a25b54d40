"""Why a request over /v1 is not answered, in the form that OpenAI clients understand."""

from chat.turn.events import JsonValue


class RefusalError(Exception):
    """The request is not answered. `message` is a sentence for the developer of the client."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        retry_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.retry_seconds = retry_seconds


def error_object(refusal: RefusalError) -> dict[str, JsonValue]:
    return {
        "error": {
            "message": refusal.message,
            "type": refusal.kind,
            "param": refusal.param,
            "code": refusal.code,
        }
    }


def unknown_model() -> RefusalError:
    return RefusalError(
        "This model does not exist. The only one here is expertline.",
        status=404,
        code="model_not_found",
        param="model",
    )


def bad_key() -> RefusalError:
    """One error for a missing, an unknown and a revoked key."""
    return RefusalError(
        "The API key is missing, unknown or revoked. Send it as: Authorization: Bearer el-…",
        status=401,
        code="invalid_api_key",
    )


def unavailable(code: str) -> RefusalError:
    return RefusalError(
        "The server cannot answer right now. Try again soon.",
        status=503,
        kind="server_error",
        code=code,
        retry_seconds=2,
    )


def failed_turn(code: str | None) -> RefusalError:
    """A reply that broke off; `code` is one of protocol.md's turn errors."""
    upstream = code is not None and code.startswith("upstream_")
    return RefusalError(
        "The reply broke off. Try again.",
        status=502 if upstream else 500,
        kind="server_error",
        code=code or "internal",
    )
