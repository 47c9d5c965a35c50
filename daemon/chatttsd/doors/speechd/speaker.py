"""The second thread: takes messages from the one that reads stdin, and imports what takes time."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from chatttsd.doors.speechd.message import END, Message
from chatttsd.doors.speechd.voices import VoiceList

if TYPE_CHECKING:
    import asyncio

    from chatttsd.doors.speechd.speaking import Speaking

Work = Callable[["Speaking"], None]


class Speaker:
    """Hands work over to `Speaking` on its own event loop; what comes before that is ready waits.

    `tell` takes reasons for silence; it may be called in any thread.
    """

    def __init__(self, address: str, voices: VoiceList, tell: Callable[[str], None]) -> None:
        self._address = address
        self._voices = voices
        self._tell = tell
        self._lock = threading.Lock()
        self._early: list[Work] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._speaking: Speaking | None = None
        self._broken = False
        self._thread = threading.Thread(target=self._run, name="speaker", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def say(self, message: Message) -> None:
        """Say a message; when that is impossible it ends at once."""
        if not self._post(lambda speaking: speaking.say(message)):
            message.end(END)

    def stop(self, message: Message) -> None:
        """Silence a message whose last event is sent."""
        self._post(lambda speaking: speaking.stop(message))

    def pause(self, message: Message) -> None:
        """Silence a message whose last event is sent, and remember where."""
        self._post(lambda speaking: speaking.pause(message))

    def refresh_voices(self) -> None:
        """Learn the daemon's voices anew, in the background."""
        self._post(lambda speaking: speaking.refresh_voices())

    def _post(self, work: Work) -> bool:
        """Run work on the loop, in the order of the calls; False when it never will be."""
        with self._lock:
            if self._broken:
                return False
            if self._loop is None:
                self._early.append(work)
            else:
                self._loop.call_soon_threadsafe(self._do, work)
            return True

    def _do(self, work: Work) -> None:
        if self._speaking is not None:
            work(self._speaking)

    def _run(self) -> None:
        try:
            # Not at the top: asyncio and dbus-next take a tenth of a second, and INIT must not wait for it.
            import asyncio

            from chatttsd.doors.speechd.speaking import Speaking

            asyncio.run(self._serve(Speaking))
        except Exception as error:  # whatever it is, no message may be left without an end
            self._tell(f"this module cannot speak: {type(error).__name__}: {error}")
            self._give_up()

    def _give_up(self) -> None:
        with self._lock:
            self._broken, self._loop = True, None
            early, self._early = self._early, []
        broken = _Broken()
        for work in early:
            work(broken)  # type: ignore[arg-type]  # it has the methods that work calls

    async def _serve(self, make: "type[Speaking]") -> None:
        import asyncio

        self._speaking = make(self._address, self._voices.learn, self._tell)
        self._speaking.prepare()
        with self._lock:
            self._loop = asyncio.get_running_loop()
            early, self._early = self._early, []
            for work in early:
                self._loop.call_soon(self._do, work)
        await asyncio.Event().wait()


class _Broken:
    """Stands in for `Speaking` where that cannot be: every message ends."""

    def say(self, message: Message) -> None:
        message.end(END)

    def stop(self, message: Message) -> None:
        """Do nothing."""

    def pause(self, message: Message) -> None:
        """Do nothing."""

    def refresh_voices(self) -> None:
        """Do nothing."""
