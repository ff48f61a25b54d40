"""What the process counts, for /metrics. Nothing here tells who somebody is or what was said."""

from prometheus_client import Counter, Gauge, Histogram

TAKEOVERS = Counter("expertline_takeovers", "Turns taken over from an owner that was lost")
FENCED = Counter("expertline_fenced", "Turns given up because another process owns them")
LOG_REBUILDS = Counter("expertline_log_rebuilds", "Delta logs written anew into Redis")
LOG_GAPS = Counter("expertline_log_gaps", "Reads of a delta log that skipped an event")
ENDS_FROM_STORAGE = Counter(
    "expertline_ends_from_storage", "Readers told a turn's end from Postgres, not from its log"
)
REDIS_CONNECTED = Gauge("expertline_redis_connected", "1 while Redis answers, 0 while it does not")
TURNS_RUNNING = Gauge("expertline_turns_running", "Turns that this process owns")
TURNS_ENDED = Counter("expertline_turns_ended", "Turns that ended here", ["status"])
SOCKETS_OPEN = Gauge("expertline_sockets_open", "Open chat sockets")
SOCKETS_REFUSED = Counter("expertline_sockets_refused", "Handshakes refused", ["reason"])
SOCKETS_CLOSED = Counter("expertline_sockets_closed", "Sockets that the server closed", ["code"])
RESUMES = Counter("expertline_resumes", "Subscriptions that resumed a turn in the middle")
FIRST_TEXT_SECONDS = Histogram(
    "expertline_first_text_seconds",
    "From a turn's claim to the first text of its reply",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)
MODEL_RESTS = Counter(
    "expertline_model_rests", "Times the language model was left alone after failures in a row"
)
LATE_ANSWERS = Counter(
    "expertline_late_answers", "Answers taken back to visitors who were told there was none yet"
)
LOOP_LAG_SECONDS = Gauge("expertline_loop_lag_seconds", "How late the event loop's last beat was")
