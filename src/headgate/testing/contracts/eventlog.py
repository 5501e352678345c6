"""What every event log must hold. Subclass, and give a fixture `log` that yields an empty, open one."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from headgate.model.approvals import ApprovalGiven
from headgate.model.events import Event, MeasurementTaken, RolloutPaused, StepCompleted, VerdictReached
from headgate.model.ids import ReleaseId, RolloutId
from headgate.model.measurements import Measurement, Sample, Window
from headgate.model.verdicts import Outcome, Verdict
from headgate.ports import Conflict, EventLog

STREAM = "environment:pcw/production"
OTHER = "environment:pcw/staging"
ROLLOUT = RolloutId("rol_000000000001")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

MEASURED = Measurement(
    tick=1,
    window=Window(NOON, NOON + timedelta(seconds=2)),
    candidate={"web": Sample(requests=50, errors=1, latency={40: 49, 63: 1})},
    missing=("stable quotes: the source did not answer",),
)
EVENTS: list[Event] = [
    ApprovalGiven(ReleaseId("rel_000000000001"), by="Zoë", why="looks good — ship it"),
    MeasurementTaken(ROLLOUT, MEASURED),
    VerdictReached(ROLLOUT, 3, Verdict(Outcome.INCONCLUSIVE, "50 of 100 requests")),
]


def step(index: int) -> StepCompleted:
    return StepCompleted(ROLLOUT, index, f"step {index} done")


class EventLogContract:
    @pytest.fixture
    def log(self) -> EventLog:
        raise NotImplementedError("give a fixture `log` that yields an empty, open event log")

    async def test_an_unknown_stream_is_empty(self, log: EventLog) -> None:
        assert await log.read(STREAM) == []
        assert await log.tail() == []
        assert await log.streams("") == []

    async def test_what_was_appended_is_read_back(self, log: EventLog) -> None:
        appended = await log.append(STREAM, EVENTS, after=0)
        assert [one.event for one in appended] == EVENTS
        assert await log.read(STREAM) == appended

    async def test_versions_count_from_one_within_the_stream(self, log: EventLog) -> None:
        await log.append(OTHER, [step(0)], after=0)
        await log.append(STREAM, EVENTS, after=0)
        await log.append(STREAM, [step(1)], after=3)
        assert [one.version for one in await log.read(STREAM)] == [1, 2, 3, 4]
        assert {one.stream for one in await log.read(STREAM)} == {STREAM}

    async def test_times_are_aware_and_utc(self, log: EventLog) -> None:
        (one,) = await log.append(STREAM, [step(0)], after=0)
        assert one.at.utcoffset() == timedelta(0)

    async def test_reads_what_follows_a_version(self, log: EventLog) -> None:
        await log.append(STREAM, EVENTS, after=0)
        assert [one.version for one in await log.read(STREAM, after=2)] == [3]
        assert await log.read(STREAM, after=3) == []
        assert await log.read(STREAM, after=9) == []

    @pytest.mark.parametrize("after", [0, 2, 4])
    async def test_another_version_than_the_streams_is_a_conflict(self, log: EventLog, after: int) -> None:
        await log.append(STREAM, EVENTS, after=0)
        with pytest.raises(Conflict, match=STREAM):
            await log.append(STREAM, [step(1)], after=after)
        assert [one.event for one in await log.read(STREAM)] == EVENTS

    async def test_goes_on_after_a_conflict(self, log: EventLog) -> None:
        with pytest.raises(Conflict):
            await log.append(STREAM, [step(1)], after=1)
        await log.append(STREAM, [step(0)], after=0)
        assert len(await log.read(STREAM)) == 1

    async def test_appending_nothing_changes_nothing(self, log: EventLog) -> None:
        assert await log.append(STREAM, [], after=0) == []
        assert await log.tail() == []
        assert await log.streams("") == []

    async def test_appending_nothing_still_checks_the_version(self, log: EventLog) -> None:
        with pytest.raises(Conflict):
            await log.append(STREAM, [], after=1)
        await log.append(STREAM, EVENTS, after=0)
        with pytest.raises(Conflict):
            await log.append(STREAM, [], after=2)

    async def test_of_rivals_exactly_one_wins(self, log: EventLog) -> None:
        async def attempt(name: str) -> bool:
            try:
                await log.append(STREAM, [RolloutPaused(ROLLOUT, by=name, why="")], after=0)
            except Conflict:
                return False
            return True

        won = await asyncio.gather(*(attempt(f"rival {number}") for number in range(10)))
        assert sum(won) == 1
        assert len(await log.read(STREAM)) == 1

    async def test_the_tail_spans_streams_in_order(self, log: EventLog) -> None:
        for index in range(6):
            await log.append(STREAM if index % 2 else OTHER, [step(index)], after=index // 2)
        tail = await log.tail()
        assert [one.event for one in tail] == [step(index) for index in range(6)]
        positions = [one.position for one in tail]
        assert positions == sorted(set(positions))
        assert positions[0] > 0

    async def test_the_tail_behind_a_position(self, log: EventLog) -> None:
        recorded = await log.append(STREAM, EVENTS, after=0)
        assert await log.tail(after=recorded[0].position) == recorded[1:]
        assert await log.tail(after=recorded[-1].position) == []
        assert await log.tail(recorded[0].position, 1) == recorded[1:2]

    async def test_streams_by_prefix_in_the_order_of_their_first_events(self, log: EventLog) -> None:
        for stream in ("release:rel_2", OTHER, "release:rel_1", "Release:rel_3"):
            await log.append(stream, [step(0), step(1)], after=0)
        await log.append("release:rel_2", [step(2)], after=2)
        assert await log.streams("release:") == ["release:rel_2", "release:rel_1"]
        assert await log.streams("environment:pcw/") == [OTHER]
        assert await log.streams("%") == []
        assert len(await log.streams("")) == 4

    async def test_keeps_text_as_it_is(self, log: EventLog) -> None:
        hostile = "\0 \ud800 '; DROP TABLE events; -- \u2028 🙂 \\u0041"
        await log.append(STREAM, [RolloutPaused(ROLLOUT, by=hostile, why="")], after=0)
        (one,) = await log.read(STREAM)
        assert one.event == RolloutPaused(ROLLOUT, by=hostile, why="")
