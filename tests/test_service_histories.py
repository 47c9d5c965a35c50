"""Arbitrary histories of calls: every utterance gets exactly one outcome, and nothing happens after it."""

import asyncio

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatttsd.config import Config
from chatttsd.engine.api import EngineDiedError, EngineError, EngineHungError
from chatttsd.speech.limits import Limits
from chatttsd.speech.options import Priority
from chatttsd.speech.queue import LimitError
from support.fakes import pcm_of, settle
from support.machine import Machine

TEXTS = [
    "Hi.",
    "One sentence.",
    "Two sentences. In one text, here.",
    "第一句。\n\n第二句！",
    " ",
    "x\n\ny\n\nz",
]
SENDERS = [":1", ":2", ":3"]
FAILURES = [EngineDiedError("died"), EngineHungError("hung"), EngineError("refused")]


class Histories(RuleBasedStateMachine):
    """Speak, Cancel, Pause, Resume, Skip, client death, device loss and engine faults in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.machine = Machine(Config(limits=Limits(queued_per_sender=6, queued_total=12)))
        self.said: dict[int, str] = {}
        self.turn(self.machine.start)

    def turn(self, *work: object) -> None:
        async def turns() -> None:
            for item in work:
                result = item()  # type: ignore[operator]  # plain functions and coroutine functions
                if result is not None:
                    await result
            await settle()

        self.loop.run_until_complete(turns())

    @rule(
        text=st.sampled_from(TEXTS),
        sender=st.sampled_from(SENDERS),
        priority=st.sampled_from(list(Priority)),
        bind=st.booleans(),
    )
    def speak(self, text: str, sender: str, priority: str, *, bind: bool) -> None:
        def say() -> None:
            options = {"priority": priority, "bind_to_client": str(bind).lower()}
            try:
                self.said[self.machine.say(text, sender, **options)] = text
            except LimitError:
                return

        self.turn(say)

    @precondition(lambda self: self.said)
    @rule(pick=st.integers(0, 100))
    def cancel(self, pick: int) -> None:
        number = list(self.said)[pick % len(self.said)]
        self.turn(lambda: self.machine.service.cancel(number))
        assert number in self.machine.outcomes()

    @rule()
    def cancel_all(self) -> None:
        self.turn(self.machine.service.cancel_all)
        assert self.machine.output.queued == b""
        assert self.machine.outcomes().keys() == self.said.keys()

    @rule()
    def pause(self) -> None:
        self.turn(self.machine.service.pause)

    @rule()
    def resume(self) -> None:
        self.turn(self.machine.service.resume)

    @rule()
    def skip(self) -> None:
        self.turn(self.machine.service.skip)

    @rule(names=st.lists(st.sampled_from(["skip", "cancel_all", "pause", "resume"]), min_size=2, max_size=4))
    def several_in_one_turn(self, names: list[str]) -> None:
        self.turn(*(getattr(self.machine.service, name) for name in names))

    @rule(sender=st.sampled_from(SENDERS))
    def client_dies(self, sender: str) -> None:
        self.turn(lambda: self.machine.service.sender_left(sender))

    @rule(size=st.sampled_from([2, 960, 5000, 10**6]))
    def hear(self, size: int) -> None:
        self.turn(lambda: self.machine.output.hear(size))

    @rule(failure=st.sampled_from(FAILURES))
    def engine_fails(self, failure: EngineError) -> None:
        self.machine.engines.client.failures = [failure]

    @rule(unavailable=st.booleans())
    def device_comes_or_goes(self, *, unavailable: bool) -> None:
        self.machine.output.unavailable = unavailable

    @invariant()
    def outcomes_are_single_and_final(self) -> None:
        seen: dict[int, str] = {}
        for event, number, *_ in self.machine.log:
            assert seen.get(number) != "finished", f"{event} after the outcome of {number}"
            if event == "progress":
                assert seen.get(number) in ("started", "progress"), "progress before started"
            seen[number] = event
        assert self.machine.outcomes().keys() <= self.said.keys()

    @invariant()
    def the_state_is_consistent(self) -> None:
        service = self.machine.service
        assert (service.state == "idle") == (service.current == 0)
        assert service.queue_length + (service.current != 0) == len(self.said) - len(self.machine.outcomes())
        assert self.machine.output.paused == (service.state == "paused") or service.state == "idle"

    def teardown(self) -> None:
        """Whatever happened, everything ends, and a later utterance is heard whole."""
        try:
            self.end_well()
            assert not asyncio.all_tasks(self.loop)
        finally:
            self.loop.close()

    def end_well(self) -> None:
        self.machine.output.unavailable = False
        self.machine.engines.client.failures = []
        self.turn(self.machine.service.cancel_all, self.machine.service.resume)
        self.machine.output.heard.clear()
        self.turn(lambda: self.said.update({self.machine.say("The end."): ""}))
        self.turn(self.machine.hear)
        assert bytes(self.machine.output.heard) == pcm_of("The end.")
        self.turn(self.machine.stop)
        assert self.machine.outcomes().keys() == self.said.keys()


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=500, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
