"""What speech-dispatcher sends and what it is answered, as documented and as 0.11.4 and 0.12 do it."""

from collections.abc import Callable, Sequence

import pytest

from chatttsd.doors.speechd.conversation import Conversation


class Recorded:
    """Actions that are only noted."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.rows: Sequence[tuple[str, str, str]] = (("a", "zh", "none"), ("b", "en-US", "none"))
        self.opens = True

    def set(self, lines: Sequence[str]) -> None:
        self.asked.append(("set", list(lines)))

    def log_level(self, lines: Sequence[str]) -> None:
        self.asked.append(("log_level", list(lines)))

    def speak(self, kind: str, text: str, accepted: Callable[[], None]) -> None:
        accepted()
        self.asked.append((kind, text))

    def stop(self) -> None:
        self.asked.append("stop")

    def pause(self) -> None:
        self.asked.append("pause")

    def voices(self, language: str, variant: str) -> Sequence[tuple[str, str, str]]:
        self.asked.append(("voices", language, variant))
        return self.rows

    def debug(self, path: str | None) -> bool:
        self.asked.append(("debug", path))
        return self.opens


class Server:
    """Sends lines and keeps the replies."""

    def __init__(self) -> None:
        self.actions = Recorded()
        self.replies: list[str] = []
        self.conversation = Conversation(self.actions, lambda *lines: self.replies.extend(lines))

    def send(self, *lines: str) -> list[str]:
        self.replies.clear()
        self.going_on = [self.conversation.take(line) for line in lines][-1]
        return list(self.replies)


@pytest.fixture
def server() -> Server:
    return Server()


def test_init_is_answered_at_once_and_does_nothing(server: Server) -> None:
    assert server.send("INIT")[-1] == "299 OK LOADED SUCCESSFULLY"
    assert server.actions.asked == []


def test_server_audio_is_refused_and_any_other_accepted(server: Server) -> None:
    refused = server.send("AUDIO", "audio_output_method=server", ".")
    assert refused[0].startswith("207 ")
    assert (refused[1][:4], refused[2]) == ("300-", "300 MODULE ERROR")
    accepted = server.send("AUDIO", "audio_output_method=pulse", "audio_pulse_min_length=10", ".")
    assert accepted == ["207 OK RECEIVING AUDIO SETTINGS", "203 OK AUDIO INITIALIZED"]


def test_settings_are_taken_whatever_is_in_them(server: Server) -> None:
    reply = server.send("SET", "rate=50", "nonsense", ".")
    assert reply == ["203 OK RECEIVING SETTINGS", "203 OK SETTINGS RECEIVED"]
    assert server.actions.asked == [("set", ["rate=50", "nonsense"])]


def test_the_level_of_the_log_is_taken(server: Server) -> None:
    assert server.send("LOGLEVEL", "log_level=5", ".")[-1] == "203 OK LOGLEVEL SET"


@pytest.mark.parametrize("kind", ["SPEAK", "CHAR", "KEY", "SOUND_ICON"])
def test_a_message_is_received_and_accepted(server: Server, kind: str) -> None:
    assert server.send(kind, "a", ".") == ["202 OK RECEIVING MESSAGE", "200 OK SPEAKING"]
    assert server.actions.asked == [(kind, "a")]


def test_doubled_dots_are_undone_and_lines_kept(server: Server) -> None:
    server.send("SPEAK", "<speak>one", "..", "..two", " .three", "</speak>", ".")
    assert server.actions.asked == [("SPEAK", "<speak>one\n.\n.two\n .three\n</speak>")]


def test_commands_inside_a_text_are_text(server: Server) -> None:
    assert server.send("SPEAK", "STOP", "QUIT", "", ".")[-1] == "200 OK SPEAKING"
    assert server.actions.asked == [("SPEAK", "STOP\nQUIT\n")]


def test_the_character_space_is_the_blank(server: Server) -> None:
    server.send("CHAR", "space", ".")
    assert server.actions.asked == [("CHAR", " ")]


@pytest.mark.parametrize("kind", ["SPEAK", "KEY"])
def test_space_is_a_word_in_a_text_and_the_name_of_a_key(server: Server, kind: str) -> None:
    server.send(kind, "space", ".")
    assert server.actions.asked == [(kind, "space")]


@pytest.mark.parametrize("kind", ["CHAR", "KEY", "SOUND_ICON"])
def test_two_lines_where_one_is_allowed_are_refused(server: Server, kind: str) -> None:
    assert server.send(kind, "a", "b", ".")[-1] == "305 DATA MORE THAN ONE LINE"


def test_an_empty_message_is_accepted_so_that_its_client_hears_of_its_end(server: Server) -> None:
    assert server.send("SPEAK", ".")[-1] == "200 OK SPEAKING"
    assert server.actions.asked == [("SPEAK", "")]


def test_stop_and_pause_have_no_reply(server: Server) -> None:
    assert server.send("STOP") == []
    assert server.send("PAUSE") == []
    assert server.actions.asked == ["stop", "pause"]


def test_voices_are_listed_by_tabs(server: Server) -> None:
    assert server.send("LIST VOICES") == ["200-a\tzh\tnone", "200-b\ten-US\tnone", "200 OK VOICE LIST SENT"]
    assert server.actions.asked == [("voices", "", "")]


def test_the_filter_of_0_12_is_handed_on(server: Server) -> None:
    server.send("LIST VOICES en-US")
    server.send("LIST VOICES zh none")
    assert server.actions.asked == [("voices", "en-US", ""), ("voices", "zh", "none")]


def test_no_voice_is_told_as_the_server_expects_it(server: Server) -> None:
    server.actions.rows = ()
    assert server.send("LIST VOICES xx") == ["304 CANT LIST VOICES"]


def test_debugging_is_switched(server: Server) -> None:
    assert server.send("DEBUG ON /a b/log") == ["200 OK DEBUGGING ON"]
    assert server.send("DEBUG OFF") == ["200 OK DEBUGGING OFF"]
    server.actions.opens = False
    assert server.send("DEBUG ON /nowhere")[0].startswith("303 ")
    assert server.actions.asked == [("debug", "/a b/log"), ("debug", None), ("debug", "/nowhere")]
    assert server.send("DEBUG") == ["302 ERROR BAD SYNTAX"]


@pytest.mark.parametrize("line", ["HELLO", "", "SPEAK now", "LIST", "set", "STOPP", "."])
def test_what_is_unknown_is_refused(server: Server, line: str) -> None:
    assert server.send(line) == ["300 ERR UNKNOWN COMMAND"]
    assert server.going_on


def test_quit_is_the_end(server: Server) -> None:
    assert server.send("QUIT") == ["210 OK QUIT"]
    assert not server.going_on


def test_every_reply_is_a_code_and_ends_with_a_last_line(server: Server) -> None:
    for command in (["INIT"], ["SET", "."], ["LIST VOICES"], ["AUDIO", "audio_output_method=server", "."]):
        reply = server.send(*command)
        assert all(line[:3].isdigit() and line[3] in "- " for line in reply)
        assert reply[-1][3] == " "
