import json
import signal

import pytest

from support.ctl import ctl, on_terminal, start
from support.fake_speech import FINISHED, Asked, Die, FakeSpeech, Fault, Hang, Value
from support.private_bus import PrivateBus


def test_speak_queues_the_text_and_prints_its_id_into_a_pipe_too(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address) as fake:
        done = ctl(["speak", "你好", "world"], environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "7\n", "")
        assert [(asked.member, asked.body) for asked in fake.asked] == [("Speak", ("你好 world",))]


def test_speak_may_start_the_service(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address) as fake:
        ctl(["speak", "hi"], environment)
        assert fake.calls("Speak")[0].may_start


def test_text_comes_from_standard_input(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address) as fake:
        assert ctl(["speak", "-"], environment, "\ufeff你好\n".encode()).returncode == 0
        assert fake.calls("Speak")[0].body == ("你好\n",)


def test_the_longest_text_goes_through_one_socket_buffer_after_the_other(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    text = "𝒳" * 100_000  # four bytes each: more than a socket takes at once
    with FakeSpeech(bus.address) as fake:
        assert ctl(["speak"], environment, text.encode()).returncode == 0
        assert fake.calls("Speak")[0].body == (text,)


def test_a_text_over_the_limit_is_refused_before_any_call(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address) as fake:
        done = ctl(["speak"], environment, b"a" * 100_001)
        assert done.returncode == 4
        assert "100001 characters, allowed: at most 100000" in done.stderr
        assert fake.asked == []


def test_options_go_through_speak_with(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address) as fake:
        ctl(["speak", "--rate", "1.5", "--option", "priority=text", "hi"], environment)
        assert fake.calls("SpeakWith")[0].body == ("hi", {"rate": "1.5", "priority": "text"})


def test_the_id_is_printed_as_json_and_on_a_terminal(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address):
        assert json.loads(ctl(["speak", "--json", "hi"], environment).stdout) == {"id": 7}
        assert on_terminal(["speak", "hi"], environment) == (0, "7\r\n")
        assert ctl(["speak", "--quiet", "hi"], environment).stdout == ""
        assert ctl(["speak", "--quiet", "--json", "hi"], environment).stdout == '{"id": 7}\n'


def test_wait_is_quiet_when_it_was_spoken_and_bound_to_this_process(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address) as fake:
        done = ctl(["speak", "--wait", "hi"], environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert fake.calls("SpeakWith")[0].body == ("hi", {"bind_to_client": "true"})
        assert fake.calls("Wait")[0].body == (7,)


@pytest.mark.parametrize("outcome", ["dropped", "failed"])
def test_wait_ends_with_1_and_the_reason_on_any_other_outcome(
    outcome: str, bus: PrivateBus, environment: dict[str, str]
) -> None:
    reason = {"Reason": ("s", "no sound server\x1b[31m.; this is slow.")}
    with FakeSpeech(bus.address, {"Wait": Value("s", (outcome,))}, reason):
        done = ctl(["speak", "--wait", "hi"], environment)
        assert (done.returncode, done.stdout) == (1, "")
        assert (
            done.stderr == f"chatttsctl: utterance 7 ended as {outcome}: no sound server [31m; this is slow\n"
        )


@pytest.mark.parametrize("outcome", ["cancelled", "interrupted"])
def test_the_daemons_trouble_is_not_the_reason_for_what_somebody_did(
    outcome: str, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, {"Wait": Value("s", (outcome,))}, {"Reason": ("s", "no weights")}):
        done = ctl(["speak", "--wait", "--json", "hi"], environment)
        assert done.returncode == 1
        assert done.stderr == f"chatttsctl: utterance 7 ended as {outcome}\n"
        assert json.loads(done.stdout) == {"id": 7, "outcome": outcome, "reason": ""}


def test_wait_with_json_tells_outcome_and_reason(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address, {"Wait": Value("s", ("failed",))}, {"Reason": ("s", "why")}):
        done = ctl(["speak", "--wait", "--json", "hi"], environment)
        assert json.loads(done.stdout) == {"id": 7, "outcome": "failed", "reason": "why"}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_while_waiting_cancels_that_utterance(
    number: signal.Signals, code: int, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with (
        FakeSpeech(bus.address, {"Wait": Hang()}) as fake,
        start(["speak", "--wait", "hi"], environment) as process,
    ):
        fake.wait_for("Wait")
        process.send_signal(number)
        out, error = process.communicate(timeout=30)
        assert (process.returncode, out, error) == (code, "", "")
        assert fake.wait_for("Cancel").body == (7,)


def test_ctrl_c_ends_it_even_when_the_service_has_stopped_answering(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    silent = {"Wait": Hang(), "Cancel": Hang()}
    with FakeSpeech(bus.address, silent) as fake, start(["speak", "--wait", "hi"], environment) as process:
        fake.wait_for("Wait")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def test_a_timeout_of_wait_cancels(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address, {"Wait": Hang()}) as fake:
        done = ctl(["speak", "--wait", "--timeout", "0.3", "hi"], environment)
        assert done.returncode == 1
        assert done.stderr == "chatttsctl: not done after 0.3 s: cancelled\n"
        assert fake.calls("Cancel")[0].body == (7,)


def test_a_service_that_never_answers_speak_ends_with_3(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address, {"Speak": Hang()}):
        done = ctl(["speak", "--timeout", "0.3", "hi"], environment)
        assert done.returncode == 3
        assert done.stderr.startswith("chatttsctl: chatttsd does not answer (Speak, 0.3 s); ")


@pytest.mark.parametrize("member", ["SpeakWith", "Wait"])
def test_a_service_that_dies_during_a_call_ends_with_3(
    member: str, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, {member: Die()}):
        done = ctl(["speak", "--wait", "hi"], environment)
        assert done.returncode == 3
        assert done.stderr.count("\n") == 1
        assert "(NoReply)" in done.stderr


def test_a_bus_that_dies_while_waiting_ends_with_3(bus: PrivateBus, environment: dict[str, str]) -> None:
    with (
        FakeSpeech(bus.address, {"Wait": Hang()}) as fake,
        start(["speak", "--wait", "hi"], environment) as process,
    ):
        fake.wait_for("Wait")
        bus.kill()
        _, error = process.communicate(timeout=30)
        assert (process.returncode, error) == (3, "chatttsctl: Wait: the connection was closed\n")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("org.freedesktop.DBus.Error.LimitsExceeded", 4),
        ("org.freedesktop.DBus.Error.InvalidArgs", 2),
        ("org.chattts.Speech1.Error.AudioUnavailable", 1),
        ("org.chattts.Speech1.Error.TextTooLong", 4),
    ],
)
def test_an_error_reply_is_one_line_and_an_exit_code(
    name: str, code: int, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, {"Speak": Fault(name, "two\nlines")}):
        done = ctl(["speak", "canarytext"], environment)
        assert done.returncode == code
        assert done.stderr == f"chatttsctl: two lines ({name.rpartition('.')[2]})\n"


def test_progress_is_shown_on_a_terminal_and_taken_away_again(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    def spoken(asked: Asked) -> Value:
        fake.emit("Started", "u", (7,))
        fake.emit("Progress", "uuu", (8, 0, 99))
        fake.emit("Progress", "uuu", (7, 0, 5))
        return FINISHED

    with FakeSpeech(bus.address, {"Wait": spoken}) as fake:
        code, shown = on_terminal(["speak", "--wait", "hello world"], {**environment, "NO_COLOR": "1"})
        assert (code, shown) == (0, "\r\x1b[Kspeaking\r\x1b[Kspeaking 5/11\r\x1b[K")
        assert on_terminal(["speak", "--wait", "--quiet", "hello world"], environment) == (0, "")


def test_no_text_in_any_error_even_when_the_program_itself_is_at_fault(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, {"Speak": Value("s", ("canarytext",))}):
        done = ctl(["speak", "canarytext"], environment)
        assert done.returncode == 1
        assert "internal error: ValueError at speak.py:" in done.stderr
        assert "canarytext" not in done.stderr
