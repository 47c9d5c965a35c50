"""`sd_chattts [CONFIGURATION]`, as speech-dispatcher starts it: commands on stdin, replies on stdout."""

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from chatttsd.doors.speechd.configuration import bus_address, read
from chatttsd.doors.speechd.conversation import Conversation
from chatttsd.doors.speechd.module import Journal, Module, Output
from chatttsd.doors.speechd.settings import Settings
from chatttsd.doors.speechd.speaker import Speaker
from chatttsd.doors.speechd.voices import VoiceList, cache_file


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Serve until QUIT or the end of stdin, then end the process."""
    words = sys.argv[1:] if arguments is None else arguments
    journal = Journal()
    configuration = read(Path(words[0]) if words else None)
    for fault in configuration.faults:
        journal.tell(fault)
    voices = VoiceList(cache_file(os.environ))
    speaker = Speaker(bus_address(configuration.bus, os.environ), voices, journal.tell)
    output = Output(watch=journal.note)
    module = Module(Settings(configuration), voices, speaker, journal, output.send)
    conversation = Conversation(module, output.send)
    with contextlib.suppress(KeyboardInterrupt):
        _serve(conversation, speaker)
    # The daemon cancels what is bound to this client when the connection closes, and the other thread may be
    # in the middle of anything: nothing is gained by waiting for it.
    sys.stderr.flush()
    os._exit(0)


def _serve(conversation: Conversation, speaker: Speaker) -> None:
    started = False
    for line in sys.stdin.buffer:
        # A bus ends the connection of whoever sends it a NUL.
        text = line.decode("utf-8", "replace").replace("\0", "")
        going_on = conversation.take(text.removesuffix("\n"))
        if not started:  # after the answer to INIT, which must not wait for anything
            speaker.start()
            started = True
        if not going_on:
            return


if __name__ == "__main__":
    main()
