"""What a target was not told: kept, shown, told again by hand, and settled where it is no longer so."""

from datetime import timedelta

import pytest
from tests.engine.test_courier import DOWN, Place

from headgate.decide.targets import LETTERS
from headgate.engine import courier as room
from headgate.ports import AdapterError, Gone, Unusable


@pytest.fixture
async def place() -> Place:
    made = Place()
    await made.happens("before")
    await made.turn()
    return made


def dead(place: Place) -> list[str]:
    return [letter.notice.removeprefix("ntc_") for letter in place.courier.state.dead]


async def refused(place: Place, *names: str) -> None:
    place.notifier.trouble = Unusable("it answered HTTP 422")
    await place.happens(*names)
    await place.turn()
    place.notifier.trouble = None


async def test_what_was_refused_is_kept_and_told_again_by_hand(place: Place) -> None:
    await refused(place, "a")
    (letter,) = place.courier.state.dead
    assert (letter.kind, letter.why) == ("started", "it answered HTTP 422")
    place.started()
    await place.turn()
    assert dead(place) == ["a"]  # a restart keeps it
    assert [why for _, why in await place.courier.retry()] == [""]
    assert (place.told, dead(place)) == (["a"], [])
    await place.turn()
    assert place.told == ["a"]


async def test_down_for_longer_than_its_news_keep_they_are_kept_as_letters(place: Place) -> None:
    place.notifier.trouble = DOWN
    await place.happens("a", "b")
    await place.turn()
    place.later(minutes=61)
    place.courier.due = None
    await place.turn()
    assert dead(place) == ["a", "b"]  # shown while it is down
    assert place.courier.state.dead[0].why == "older than 1h when it could be told"
    became = await place.courier.retry()
    assert [why for _, why in became] == [str(DOWN)]  # and the others are not even tried
    place.notifier.trouble = None
    await place.courier.retry()
    assert (place.told, dead(place)) == (["a", "b"], [])


async def test_what_is_no_longer_so_is_settled(place: Place) -> None:
    await refused(place, "a", "b")
    place.settled = {"a"}
    assert [why for _, why in await place.courier.retry()] == ["it is no longer so", ""]
    assert (place.told, dead(place)) == (["b"], [])


async def test_a_status_is_not_told_after_a_newer_one_of_its_rollout(place: Place) -> None:
    """It would set a deployment back to what it was."""
    await refused(place, "a")
    await place.happens("b")
    await place.turn()
    assert [why for _, why in await place.courier.retry()] == ["newer of the same rollout was told since"]
    assert (place.told, dead(place)) == (["b"], [])


async def test_one_refused_letter_does_not_hold_up_the_others_and_stays(place: Place) -> None:
    await refused(place, "a", "b")
    place.notifier.trouble = Unusable("it answered HTTP 413")
    assert [why for _, why in await place.courier.retry()] == ["it answered HTTP 413"] * 2
    assert dead(place) == ["a", "b"]


async def test_letters_are_bounded_and_the_oldest_go(place: Place) -> None:
    await refused(place, *(f"n{number}" for number in range(LETTERS + 5)))
    assert len(place.courier.state.dead) == LETTERS
    assert dead(place)[0] == "n5"
    assert place.courier.state.given_up == LETTERS + 5


async def test_insisting_wakes_one_that_said_it_is_gone(place: Place) -> None:
    place.notifier.trouble = Gone("it answered HTTP 410")
    await place.happens("a")
    await place.turn()
    place.notifier.trouble = None
    assert await place.turn() == room.AWAY
    await place.courier.retry()
    await place.turn()
    assert place.told == ["a"]
    assert not place.courier.state.gone


async def test_what_is_pending_is_shown_and_no_more_than_asked_for(place: Place) -> None:
    place.notifier.trouble = AdapterError("down")
    await place.happens("a", "b", "c")
    await place.turn()
    assert [one.id for one in await place.courier.pending(2)] == ["ntc_a", "ntc_b"]
    place.notifier.trouble = None
    place.later(seconds=5)
    await place.turn()
    assert await place.courier.pending(2) == []


async def test_a_thousand_in_a_burst_are_told_in_order_and_once(place: Place) -> None:
    names = [f"n{number}" for number in range(1000)]
    await place.happens(*names)
    await place.turn()
    assert place.told == names
    assert len(place.courier.state.recent) <= 20  # what is held does not grow with it
    assert await place.turn() == room.NEWS


async def test_an_hour_of_silence_is_tried_with_growing_pauses_and_no_flood_follows(place: Place) -> None:
    place.notifier.trouble = DOWN
    await place.happens("news")
    await place.happens("asks", kind="waiting")
    tries, begun = 0, place.clock.now()
    while place.clock.now() - begun < timedelta(hours=1, minutes=6):
        place.clock.advance(await place.turn())
        tries += 1
    assert tries < 40
    place.notifier.trouble = None
    place.later(minutes=5)
    await place.turn()
    assert place.told == ["asks"]  # which still waits; the news is old
    assert place.notifier.told[0].left_out == 1
    assert dead(place) == ["news"]
