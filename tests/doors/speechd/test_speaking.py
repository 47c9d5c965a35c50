"""How messages become utterances, on the test's own event loop and a real bus."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from chatttsd.doors.speechd.message import END, PAUSE, STOP, Message
from chatttsd.doors.speechd.speaking import Speaking
from support.fake_speech import Asked, FakeSpeech, Value
from support.private_bus import PrivateBus
from support.pulse import wait_for
from support.speechd_module import finish, say

ZH = "<speak>你好,世界。再见了。</speak>"
REWRAPPED = "<speak> speak 你好,世界。再见了。  speak </speak>"
QUIET_SECONDS = 0.05


@dataclass
class Party:
    """A daemon that follows a script, and what speaks through it."""

    daemon: FakeSpeech
    speaking: Speaking
    told: list[str] = field(default_factory=list)
    voices: list[tuple[str, Sequence[str]]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def message(self, text: str, kind: str = "SPEAK", **options: str) -> Message:
        """A message that is being said."""
        message = Message(kind, text, options, lambda *lines: self.events.extend(lines))
        self.speaking.say(message)
        return message

    async def asked(self, number: int) -> Asked:
        """Wait for the call of SpeakWith with this number, from 0."""
        await self.until(lambda: len(self.daemon.calls("SpeakWith")) > number)
        return self.daemon.calls("SpeakWith")[number]

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Wait until something holds."""
        await asyncio.to_thread(wait_for, wanted, "what the test waits for", 20)


@pytest.fixture
async def party() -> AsyncIterator[Party]:
    with PrivateBus() as bus, FakeSpeech(bus.address) as daemon:
        told: list[str] = []
        voices: list[tuple[str, Sequence[str]]] = []

        def learn(found: Iterable[tuple[str, Sequence[str]]]) -> None:
            voices[:] = found

        speaking = Speaking(bus.address, learn, told.append, QUIET_SECONDS)
        speaking.prepare()
        yield Party(daemon, speaking, told, voices)
        await speaking.close()


async def test_an_end_that_was_never_told_is_found_out(party: Party) -> None:
    message = party.message("a", "CHAR")  # the daemon says that it is idle
    await party.asked(0)
    party.daemon.emit("Started", "u", (7,))
    await party.until(lambda: message.ended)
    assert party.events == ["701 BEGIN", END]


async def test_a_daemon_that_is_busy_is_waited_for(party: Party) -> None:
    party.daemon.properties["State"] = ("s", "speaking")
    message = party.message("a", "CHAR")
    await party.asked(0)
    await party.until(lambda: len(party.daemon.calls("Get")) > 3)
    assert not message.ended
    say(party.daemon, 7)
    await party.until(lambda: message.ended)
    assert party.events == ["701 BEGIN", END]


async def test_a_message_that_was_stopped_before_its_turn_is_never_sent(party: Party) -> None:
    message = Message("SPEAK", ZH, {}, lambda *lines: party.events.extend(lines))
    message.end(STOP)
    party.speaking.say(message)
    party.speaking.stop(message)
    other = party.message("<speak>b</speak>")
    assert (await party.asked(0)).body[0] == "<speak>b</speak>"
    say(party.daemon, 7)
    await party.until(lambda: other.ended)
    assert len(party.daemon.calls("SpeakWith")) == 1


async def test_a_paused_text_goes_on_at_the_segment_that_was_heard_last(party: Party) -> None:
    message = party.message(ZH)
    await party.asked(0)
    start = ZH.index("再")
    party.daemon.emit("Progress", "uuu", (7, 0, start))
    party.daemon.emit("Progress", "uuu", (7, start, len(ZH)))
    party.daemon.emit("Mark", "us", (7, "seen"))
    await party.until(lambda: "700-seen" in party.events)
    message.end(PAUSE)
    party.speaking.pause(message)
    await party.until(lambda: bool(party.daemon.calls("Cancel")))
    finish(party.daemon, 7, "cancelled")
    party.daemon.answers["SpeakWith"] = Value("u", (8,))
    resumed = party.message(REWRAPPED)
    assert (await party.asked(1)).body[0] == "<speak>再见了。</speak>"
    say(party.daemon, 8)
    await party.until(lambda: resumed.ended)
    assert party.events[-2:] == ["701 BEGIN", END]


async def test_a_resumed_text_that_is_paused_again_goes_on_from_there(party: Party) -> None:
    first = party.message(ZH)
    await party.asked(0)
    party.daemon.emit("Progress", "uuu", (7, ZH.index("世"), 20))
    await party.until(lambda: first.begun)
    first.end(PAUSE)
    party.speaking.pause(first)
    party.daemon.answers["SpeakWith"] = Value("u", (8,))
    second = party.message(REWRAPPED)
    body = (await party.asked(1)).body[0]
    assert body == "<speak>世界。再见了。</speak>"
    party.daemon.emit("Progress", "uuu", (8, body.index("再"), len(body)))
    await party.until(lambda: second.begun)
    second.end(PAUSE)
    party.speaking.pause(second)
    third = party.message("<speak> speak  speak 你好,世界。再见了。  speak   speak </speak>")
    assert (await party.asked(2)).body[0] == "<speak>再见了。</speak>"
    third.end(STOP)
    party.speaking.stop(third)


async def test_marks_that_the_server_has_lost_are_not_told(party: Party) -> None:
    body = '<speak>One here.<mark name="__spd_0"/> Two <mark name="own"/>there.</speak>'
    message = party.message(body)
    await party.asked(0)
    party.daemon.emit("Started", "u", (7,))
    await party.until(lambda: message.begun)
    message.end(PAUSE)
    party.speaking.pause(message)
    party.events.clear()
    party.daemon.answers["SpeakWith"] = Value("u", (8,))
    resumed = party.message(
        "<speak> speak One here  mark name    spd 0    Two  mark name  own   there  speak </speak>"
    )
    assert (await party.asked(1)).body[0] == body
    say(party.daemon, 8, ("Mark", "s", ("__spd_0",)), ("Mark", "s", ("own",)))
    await party.until(lambda: resumed.ended)
    assert party.events == ["701 BEGIN", "700-own", "700 INDEX MARK", END]


async def test_the_voices_are_read_again_after_a_message_while_the_embedded_ones_are_missing(
    party: Party,
) -> None:
    await party.until(lambda: bool(party.voices))
    own = ("espeak-ng/cmn", "Chinese", "espeak-ng", ["zh"])
    party.daemon.properties["Voices"] = ("a(sssas)", [own])
    message = party.message("<speak>a</speak>")
    await party.asked(0)
    say(party.daemon, 7)
    await party.until(lambda: message.ended and party.voices == [("espeak-ng/cmn", ["zh"])])


async def test_a_fault_of_our_own_still_ends_the_message(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("secret")

    monkeypatch.setattr("chatttsd.doors.speechd.speaking.Job.next_text", broken)
    message = party.message("<speak>secret</speak>")
    await party.until(lambda: message.ended)
    assert party.told == ["a fault in this module: ValueError"]


async def test_what_was_paused_before_its_turn_is_recognised_too(party: Party) -> None:
    message = Message("SPEAK", ZH, {}, lambda *lines: party.events.extend(lines))
    message.end(PAUSE)
    party.speaking.say(message)
    party.speaking.pause(message)
    resumed = party.message(REWRAPPED)
    assert (await party.asked(0)).body[0] == ZH
    say(party.daemon, 7)
    await party.until(lambda: resumed.ended)


async def test_what_was_paused_at_its_very_end_is_not_said_again(party: Party) -> None:
    message = party.message(ZH)
    await party.asked(0)
    party.daemon.emit("Progress", "uuu", (7, ZH.index("再"), len(ZH)))
    await party.until(lambda: message.begun)
    message.end(PAUSE)
    finish(party.daemon, 7)
    await party.until(lambda: not party.speaking.busy)
    party.speaking.pause(message)
    resumed = party.message(REWRAPPED)
    await party.until(lambda: resumed.ended)
    assert len(party.daemon.calls("SpeakWith")) == 1
    assert party.events[-2:] == ["701 BEGIN", END]


async def test_voices_that_never_come_are_not_asked_for_for_ever(party: Party) -> None:
    for number in range(6):
        message = party.message("<speak>a</speak>")
        await party.asked(number)
        say(party.daemon, 7)
        await party.until(lambda message=message: message.ended and not party.speaking.busy)  # type: ignore[misc]  # bound for this turn
    assert len([asked for asked in party.daemon.calls("Get") if asked.body[1] == "Voices"]) == 4
