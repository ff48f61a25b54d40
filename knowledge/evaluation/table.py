"""An evaluation as lines of text."""

from collections.abc import Iterator, Mapping

from knowledge.evaluation.figures import Evaluation, Group
from knowledge.evaluation.metrics import Estimate

COLUMNS = ("hit@1", "hit@5", "hit@10", "mrr@10", "ndcg@10", "answered", "false_answers")
HEADINGS = {"answered": "answered", "false_answers": "false"}
HEADLINES = {
    "hit@1": "the first hit is right",
    "hit@5": "one of the first five is",
    "hit@10": "one of the first ten is",
    "mrr@10": "mean of 1 / rank of the first right one",
    "ndcg@10": "all right ones, the first ranks counting most",
    "answered": "answerable queries that were answered",
    "false_answers": "other queries that were answered all the same",
}
KIND_WIDTH = 24
FIGURE_WIDTH = 9


def table(found: Evaluation) -> Iterator[str]:
    yield (
        f"{found.overall.n:,} queries ({len(found.answerable):,} answerable) in"
        f" {found.answers:,} answers. Bar {found.bar:.3f}. One search: median"
        f" {found.milliseconds(0.5):.1f} ms, 95 % under {found.milliseconds(0.95):.1f} ms."
    )
    yield ""
    for name, meaning in HEADLINES.items():
        if name in found.overall.estimates:
            yield f"  {name:14}{with_interval(found.overall.estimates[name])}  {meaning}"
    for name, estimate in found.auc.items():
        yield f"  {'AUC':14}{with_interval(estimate)}  against negatives: {name}"
    yield ""
    yield from breakdown(found.by_kind)


def breakdown(by_kind: Mapping[str, Group]) -> Iterator[str]:
    headings = "".join(f"{HEADINGS.get(name, name):>{FIGURE_WIDTH}}" for name in COLUMNS)
    yield f"  {'kind':{KIND_WIDTH}}{'n':>6}{headings}"
    for kind, group in by_kind.items():
        figures = "".join(
            f"{figure(group.estimates.get(name)):>{FIGURE_WIDTH}}" for name in COLUMNS
        )
        yield f"  {kind[: KIND_WIDTH - 1]:{KIND_WIDTH}}{group.n:>6}{figures}"


def with_interval(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def figure(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"{estimate.value:.3f}"
