"""What else tabs do in a schedule: follow, stop, meddle with what is another visitor's."""

import asyncio
from typing import Literal, get_args

from tests.chat_reply import Frame
from tests.faults.schedule_provider import PIECES
from tests.faults.schedule_tab import ANSWER_SECONDS, ScheduledTab
from tests.faults.schedule_world import Ask, World

STOP_SECONDS = 5
"""One is promised; the rest is for a busy machine."""

Place = Literal["current", "older", "start", "nothing", "beyond"]
Meddling = Literal["follow", "stop", "regenerate", "repeat", "contradict"]
By = Literal["turn", "send"]
BEYOND = ("1-999999", "2-1")
PLACES: tuple[Place, ...] = get_args(Place)
MEDDLINGS: tuple[Meddling, ...] = get_args(Meddling)
BYS: tuple[By, ...] = get_args(By)


async def follow(world: World, tab: ScheduledTab, ask: Ask, place: Place) -> None:
    """Subscribe to the conversation from some place in what the tab knows of it."""
    known = world.accepted(ask)
    if ask.owner != tab.owner or not tab.connected or known is None:
        return
    world.tell(f"{tab.name} follows the conversation of {ask.name} from {place}")
    turn = tab.running(ask.conversation)
    if place == "nothing":
        await follow_from(tab, ask, {"rev": 0, "turn": None})
    elif place == "current" or turn is None:
        await follow_from(tab, ask, {})
    elif place == "beyond":
        await expect_bad_cursor(world, tab, ask, turn)
    else:
        cursor = older(tab, turn) if place == "older" else "0-0"
        await follow_from(tab, ask, {"turn": {"id": turn, "cursor": cursor}})


async def follow_from(tab: ScheduledTab, ask: Ask, fields: Frame) -> None:
    if tab.connected:
        await tab.subscribe(ask.conversation, **fields)


def older(tab: ScheduledTab, turn: str) -> str:
    """A place where it was before."""
    passed = [frame["cursor"] for frame in tab.frames_of(turn)]
    return str(passed[len(passed) // 2]) if passed else "0-0"


async def expect_bad_cursor(world: World, tab: ScheduledTab, ask: Ask, turn: str) -> None:
    """No turn has a second attempt while nobody dies."""
    if world.outlook(ask.conversation) != "idle":
        return
    for cursor in BEYOND:
        if not await tab.obeyed():
            return
        command = {
            "type": "subscribe",
            "conversation": ask.conversation,
            "rev": tab.revision(ask.conversation),
            "turn": {"id": turn, "cursor": cursor},
        }
        code = await tab.refusal(command)
        if tab.connected and code != "bad_cursor":
            world.wrongs.append(f"{tab.name} was told {code} at {cursor}, not bad_cursor")


async def unfollow(world: World, tab: ScheduledTab, ask: Ask) -> None:
    """Once that was obeyed, nothing more is told of the conversation."""
    if ask.conversation not in tab.conversations or not await tab.obeyed():
        return
    world.tell(f"{tab.name} follows the conversation of {ask.name} no longer")
    tab.forget(ask.conversation)
    await tab.try_to_say({"type": "unsubscribe", "conversation": ask.conversation})
    if await tab.obeyed():
        tab.wire.silent_from[ask.conversation] = len(tab.wire.entries)


async def stop(world: World, tab: ScheduledTab, ask: Ask, by: By, *, patient: bool) -> None:
    """Who waits for it sees that it stops: nothing else ends a turn whose story goes on."""
    accepted = world.accepted(ask)
    if ask.owner != tab.owner or not tab.connected or (by == "turn" and not accepted):
        return
    surely_running = world.certainly_running(ask)
    ask.stops += 1
    command: Frame = {"type": "stop", "send": ask.id}
    if by == "turn" and accepted:
        command = {"type": "stop", "turn": accepted["turn"]}
    code = await tab.refusal(command)
    allowed = {None} if accepted else {None, "not_found"}
    if code not in allowed:
        world.wrongs.append(f"to stop {ask.name} on {tab.name} is {code}")
    world.tell(f"{tab.name} stops {ask.name} by its {by}" + (f": {code}" if code else ""))
    if patient and surely_running and tab.connected and accepted:
        ask.must_stop = True
        await wait_until_over(world, ask, accepted["turn"])


async def wait_until_over(world: World, ask: Ask, turn: str) -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            while world.stage.status_of(turn) == "running":
                await asyncio.sleep(0.01)
    except TimeoutError:
        world.wrongs.append(f"{ask.name} goes on {STOP_SECONDS} s after it was stopped")


def pour(world: World, ask: Ask, pieces: int) -> None:
    world.tell(f"the provider tells {pieces} more pieces to {ask.name}")
    ask.faucet.pour(pieces)


def finish(world: World, ask: Ask) -> None:
    world.tell(f"the provider finishes {ask.name}")
    ask.faucet.finish()


async def all_follow(world: World, ask: Ask) -> None:
    """The conversation of `ask` is open in every tab of its visitor."""
    if world.accepted(ask):
        world.tell(f"all of {ask.owner}'s tabs follow the conversation of {ask.name}")
        for tab in world.tabs:
            if tab.owner == ask.owner:
                await follow_from(tab, ask, {})


async def wait_until_told(world: World, ask: Ask) -> None:
    """Tabs that follow a conversation are told what the provider says while it says it."""
    accepted, pieces = world.accepted(ask), min(ask.faucet.poured, PIECES) - 1
    if accepted is None or pieces < 1 or not world.certainly_running(ask):
        return
    for tab in world.tabs:
        if ask.conversation in tab.conversations and tab.connected and not tab.cut_off:
            await wait_on(world, tab, ask, accepted["turn"], pieces)


async def wait_on(world: World, tab: ScheduledTab, ask: Ask, turn: str, pieces: int) -> None:
    world.tell(f"{tab.name} waits for {pieces} pieces of {ask.name}")
    try:
        await tab.until(lambda: tab.text_of(turn).count("[call ") >= pieces, ANSWER_SECONDS)
    except TimeoutError:
        world.wrongs.append(f"{tab.name} was told {tab.text_of(turn)!r} of {ask.name}, no more")


async def contradict(world: World, tab: ScheduledTab, ask: Ask) -> None:
    """Another text under an id that is taken."""
    if ask.owner != tab.owner or ask.command["type"] != "send" or not world.accepted(ask):
        return
    world.tell(f"{tab.name} says something else as {ask.name}")
    await expect_answer(world, tab, ask, ask.command | {"text": "Something else."}, "id_conflict")


async def meddle(world: World, tab: ScheduledTab, ask: Ask, how: Meddling) -> None:
    """Whatever is another visitor's does not exist."""
    accepted = world.accepted(ask)
    if ask.owner == tab.owner or accepted is None:
        return
    world.tell(f"{tab.name} tries to {how}: {ask.name}")
    command: Frame = {"type": "subscribe", "conversation": ask.conversation, "rev": 0, "turn": None}
    match how:
        case "repeat" | "contradict":
            text = {"text": "Something else."} if how == "contradict" else {}
            await expect_answer(world, tab, ask, ask.command | text, "not_found")
            return
        case "regenerate":
            again = {"type": "regenerate", "id": ask.id, "message": accepted["message"]}
            await expect_answer(world, tab, ask, again, "not_found")
            return
        case "stop":
            command = {"type": "stop", "turn": accepted["turn"]}
    code = await tab.refusal(command)
    if tab.connected and code != "not_found":
        world.wrongs.append(f"{tab.name} could {how} {ask.name}: {code}")


async def expect_answer(
    world: World, tab: ScheduledTab, ask: Ask, command: Frame, code: str
) -> None:
    if not await tab.try_to_say(command):
        return
    answer = await tab.answer(ask.id)
    if answer and answer.get("code") != code:
        world.wrongs.append(f"{command} on {tab.name} is {answer}, not {code}")
