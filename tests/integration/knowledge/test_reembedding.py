"""Moving to another embedder: what is searched before, meanwhile and after."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from knowledge import publishing, wiring
from knowledge.active_space import sighting
from knowledge.advisory_locks import REEMBED_LOCK, if_free
from knowledge.embedders.base import Embedder, EmbedderError, Vectors
from knowledge.embedders.local import LocalEmbedder
from knowledge.indexing import index, unindexed
from knowledge.models import Answer, AnswerVector, EmbeddingSpace
from knowledge.reembedding import Reembedded, ReembedError, drop_others, reembed
from knowledge.retrieval import search
from tests.integration.curating import HAIRCUT, SLEEP, stored
from tests.integration.embedded_machine import eventually
from tests.openai_replies import Plain
from tests.openai_server import OpenAIServer, embedding, in_thread

pytestmark = pytest.mark.django_db

LOCAL = LocalEmbedder.fingerprint
REMOTE = "openai/scripted/256"
SCISSORS = "Let her play with the scissors."
WARDENS = (wiring.embedder_of, wiring.openai, wiring.minimax)


class Silent:
    """Wants to know nothing."""

    def stage(self, sentence: str) -> None: ...

    def progress(self, done: int, total: int) -> None: ...


class Hashing:
    """Another space than the local embedder's, without a network. Symmetric."""

    fingerprint = "hashing/64"
    dimensions = 64

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.before = before
        self.embedded: list[str] = []

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return np.array([embedding(text, self.dimensions) for text in texts], dtype=np.float32)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        before, self.before = self.before, lambda: None
        before()
        self.embedded += texts
        return self.embed_queries(texts)


class Scrambled(Hashing):
    """Gives what is stored the vector of something else."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return -super().embed_passages(texts)


def forget() -> None:
    sighting.forget()
    for warden in WARDENS:
        warden.cache_clear()


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def remote(settings: Settings) -> Iterator[OpenAIServer]:
    """A server that the settings give the credentials of, while EMBEDDER stays local."""
    with in_thread(OpenAIServer()) as server:
        settings.EMBEDDING_BASE_URL = server.base_url
        yield server


@pytest.fixture
def answers() -> list[Answer]:
    """In the local embedder's space, which takes seconds to calibrate and is so already."""
    stored_now = [stored(SLEEP), stored(HAIRCUT, text=SCISSORS)]
    EmbeddingSpace.objects.update(calibrated_at=timezone.now(), calibrated_answers=2)
    return stored_now


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("reembed", "--quiet", *arguments, stdout=out)
    sighting.forget()  # in the tests' transaction nothing commits
    return out.getvalue()


def moved(embedder: Embedder, *, even_if_worse: bool = False) -> Reembedded:
    return reembed(embedder, Silent(), even_if_worse=even_if_worse)


def active() -> str:
    return EmbeddingSpace.objects.get(active=True).fingerprint


def texts_found(question: str) -> list[str]:
    return [hit.text for hit in search(question, wiring.embedder()).hits]


@pytest.mark.usefixtures("answers", "remote")
def test_search_moves_to_the_new_embedder_with_all_answers() -> None:
    said = run("--embedder", "openai", "--model", "scripted")

    assert wiring.embedder().fingerprint == active() == REMOTE
    assert texts_found(HAIRCUT)[0] == SCISSORS
    assert "Answers embedded: 2." in said
    assert f"Search has moved from {LOCAL} to {REMOTE}." in said
    assert EmbeddingSpace.objects.get(fingerprint=REMOTE).calibrated_answers == 2


@pytest.mark.usefixtures("remote")
def test_way_back_embeds_only_what_has_changed(answers: list[Answer]) -> None:
    run("--embedder", "openai", "--model", "scripted")
    answers[0].text = "Sing to him."
    answers[0].save()
    publishing.store_edit(answers[0], wiring.embedder())

    said = run("--embedder", "local")

    assert active() == LOCAL
    assert "Answers embedded: 1." in said
    assert texts_found(SLEEP)[0] == "Sing to him."


@pytest.mark.usefixtures("answers")
def test_settings_alone_change_nothing_in_search(settings: Settings, remote: OpenAIServer) -> None:
    settings.EMBEDDER, settings.EMBEDDING_MODEL = "openai", "scripted"

    found = texts_found(SLEEP)

    mismatch = wiring.mismatch()
    assert len(found) == 2
    assert remote.embedding_requests == []
    assert mismatch
    assert (mismatch.active, mismatch.configured) == (LOCAL, "openai/scripted")


@pytest.mark.usefixtures("remote")
def test_empty_base_takes_the_embedder_of_the_settings(settings: Settings) -> None:
    answer = stored(SLEEP)
    answer.delete()
    forget()
    settings.EMBEDDER, settings.EMBEDDING_MODEL = "openai", "scripted"

    stored(SLEEP)

    assert active() == REMOTE
    assert wiring.mismatch() is None


@pytest.mark.usefixtures("answers")
@pytest.mark.parametrize(
    ("fingerprint", "sentence"),
    [
        (REMOTE, "The embedder scripted needs EMBEDDING_BASE_URL or EMBEDDING_API_KEY"),
        ("minimax/embo-01/1536/db-query", "MiniMax's embo-01 needs MINIMAX_API_KEY"),
        ("local/older/384", "an embedder that this version does not have"),
    ],
)
def test_space_whose_embedder_cannot_be_asked_says_why(fingerprint: str, sentence: str) -> None:
    EmbeddingSpace.objects.update(fingerprint=fingerprint)
    sighting.forget()

    with pytest.raises(EmbedderError, match=sentence):
        wiring.embedder()


@pytest.mark.usefixtures("answers")
def test_failing_embedder_leaves_everything_as_it_was(remote: OpenAIServer) -> None:
    remote.embedding_failures.append(Plain(content=b"{}", status=401))

    with pytest.raises(CommandError, match="Search goes on as before"):
        run("--embedder", "openai", "--model", "scripted", "--dimensions", "256")

    assert active() == LOCAL
    assert texts_found(HAIRCUT)[0] == SCISSORS


@pytest.mark.usefixtures("answers")
def test_second_run_goes_on_where_the_first_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knowledge.reembedding.BATCH", 1)
    embedder = Hashing()

    def stop() -> None:
        raise EmbedderError("Stopped.")

    class Stopper(Silent):
        def progress(self, done: int, total: int) -> None:
            embedder.before = stop if done else embedder.before

    with pytest.raises(EmbedderError):
        reembed(embedder, Stopper())
    first = len(embedder.embedded)
    moved(embedder)

    own = embedder.embedded[first : first + 2]
    assert embedder.embedded[:2] == [SLEEP, f"{SLEEP}\nBegin with a firm evening routine."]
    assert own == [HAIRCUT, f"{HAIRCUT}\n{SCISSORS}"]


def test_edit_during_the_move_is_not_missed(answers: list[Answer]) -> None:
    def edit() -> None:
        answers[1].text = "Cut her own hair first."
        answers[1].save()
        publishing.store_edit(answers[1], wiring.embedder())
        stored("Will he speak?", text="Many do.")

    done = moved(Hashing(before=edit))

    assert active() == Hashing.fingerprint
    assert not unindexed(done.space).exists()


@pytest.mark.usefixtures("answers")
def test_space_that_finds_much_less_is_not_taken_into_use() -> None:
    with pytest.raises(ReembedError, match="finds much less"):
        moved(Scrambled())
    assert active() == LOCAL

    moved(Scrambled(), even_if_worse=True)
    assert active() == Scrambled.fingerprint


@pytest.mark.usefixtures("answers")
def test_answer_published_by_a_process_that_knows_of_no_move_is_in_the_new_space(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved(Hashing())
    monkeypatch.setattr(wiring, "embedder_of", lambda fingerprint: Hashing())

    late = stored("Will he speak?", text="Many do.")  # by the embedder that it saw last

    assert AnswerVector.objects.get(answer=late).space.fingerprint == Hashing.fingerprint


@pytest.mark.usefixtures("answers")
def test_process_sees_soon_that_another_has_switched() -> None:
    sighting.fingerprint()

    EmbeddingSpace.objects.update(fingerprint=REMOTE)
    began = time.monotonic()
    eventually(lambda: sighting.fingerprint() == REMOTE)

    assert time.monotonic() - began < 2


@pytest.mark.usefixtures("answers")
def test_spaces_that_were_left_can_be_freed(remote: OpenAIServer) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("knowledge.reembedding.LEAVING_SECONDS", 0)
        said = run("--embedder", "openai", "--model", "scripted", "--drop-old")

    assert f"{LOCAL} is gone." in said
    assert [space.fingerprint for space in EmbeddingSpace.objects.all()] == [REMOTE]
    assert AnswerVector.objects.count() == 2
    assert drop_others(EmbeddingSpace.objects.get()) == []


@pytest.mark.usefixtures("answers")
def test_two_spaces_never_mix(remote: OpenAIServer) -> None:
    run("--embedder", "openai", "--model", "scripted", "--dimensions", "384")

    vectors = AnswerVector.objects.filter(space__active=True)

    assert active() == "openai/scripted/384"
    assert AnswerVector.objects.count() == 4
    assert {len(vector.embedding) for vector in vectors} == {384}
    forget()
    assert np.shape(wiring.embedder().embed_queries([SLEEP])) == (1, 384)
    assert remote.embedding_requests[-1].body["dimensions"] == 384


def test_second_reembed_is_refused_while_one_runs(answers: list[Answer]) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with if_free(REEMBED_LOCK):
                held.set()
                done.wait(30)
        finally:
            connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert held.wait(30)
        with pytest.raises(CommandError, match="Another reembed is running"):
            run("--embedder", "local")
    finally:
        done.set()
        holder.join()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--embedder", "local", "--dimensions", "5"], "no choice of dimensions"),
        (["--embedder", "local", "--model", "x"], "no choice of models"),
        (["--embedder", "openai"], "Name the model"),
        (["--embedder", "minimax"], "needs MINIMAX_API_KEY"),
    ],
)
def test_options_that_cannot_work_are_refused(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as refused:
        run(*arguments)

    assert refused.value.returncode == 2


@pytest.mark.usefixtures("answers")
def test_same_embedder_only_completes_what_is_missing() -> None:
    AnswerVector.objects.first().delete()  # type: ignore[union-attr]

    said = run("--embedder", "local")

    assert "Answers embedded: 1." in said
    assert f"Search uses {LOCAL}." in said


@pytest.mark.usefixtures("answers")
def test_answer_that_two_processes_index_has_one_vector(answers: list[Answer]) -> None:
    index(answers, wiring.embedder())
    index(answers, wiring.embedder())

    assert AnswerVector.objects.count() == 2
