"""What the process counts of searches, for /metrics. Nothing here tells what was asked."""

from prometheus_client import Counter

RERANKINGS = Counter(
    "expertline_rerankings", "Searches that the reranker was wanted for", ["outcome"]
)
