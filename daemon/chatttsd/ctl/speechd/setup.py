"""Puts the module into the user's speech-dispatcher and takes it out again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatttsd.ctl import files
from chatttsd.ctl.exits import CommandError
from chatttsd.ctl.speechd import configuration, places
from chatttsd.ctl.speechd.configuration import Choices, Marked
from chatttsd.ctl.speechd.places import Places

_BACKUP: Final = ".before-chatttsd"


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to speechd.conf, as a sentence; `path` is None when nothing was."""

    told: str
    path: Path | None = None
    edited: bool = False
    """Whether the user had changed the file since the block was put in."""


class Setup:
    """Changes the folders of one user; every method raises CommandError and leaves whole files behind."""

    def __init__(self, where: Places, program: Path) -> None:
        self._where = where
        self._program = program

    def place(self) -> bool:
        """Make the module a link to this installation's program; returns False when it was one already."""
        if not self._program.is_file():
            raise CommandError(f"this installation has no {self._program}: reinstall chatttsd")
        with files.told(self._where.data):
            self._where.data.mkdir(parents=True, exist_ok=True)
        module = self._where.module
        self._refuse_foreign(module)
        if module.is_symlink() and module.readlink() == self._program:
            return False
        files.link(module, self._program)
        return True

    def unplace(self) -> bool:
        """Take the module away, and its folder when nothing else is in it; returns False without one."""
        module = self._where.module
        self._refuse_foreign(module)
        if not module.is_symlink():
            return False
        files.remove(module, module.parent, module.parent.parent)
        return True

    @staticmethod
    def _refuse_foreign(module: Path) -> None:
        ours = module.is_symlink() and module.readlink().name == places.PROGRAM
        if not ours and (module.exists() or module.is_symlink()):
            raise CommandError(f"{module} is not of chatttsd's making; move it away first")

    def configure(self, wanted: Choices | None) -> Change:
        """Write what must stand in speechd.conf, nothing where nothing must; None keeps earlier choices."""
        now = self._read()
        choices = wanted if wanted is not None else (now.choices or Choices())
        fresh = self._fresh(now)
        base = self._global(choices) if fresh else now.base
        lines = configuration.lines_for(base, choices, self._where.system)
        if not lines:
            return self.restore() if now.choices is not None else Change("speechd.conf needs no change")
        return self._put(base, lines, fresh=fresh, known=now.choices is not None and now.intact)

    def _put(self, base: bytes, lines: list[str], *, fresh: bool, known: bool) -> Change:
        path = self._where.user_config
        new = configuration.put_together(base, "copy" if fresh else "file", lines)
        if files.read(path) == new:
            return Change(f"{path} is as it should be")
        if not fresh and not known:
            files.write(self._backup, base)
        files.write(path, new)
        made = f" (a copy of {self._where.global_config})" if fresh else ""
        return Change(f"{path}{made} now has: {'; '.join(lines)}", path)

    def restore(self) -> Change:
        """Make speechd.conf what it was before; where the user has changed it only our block goes."""
        now, path = self._read(), self._where.user_config
        if now.choices is None:
            return Change("speechd.conf has nothing of chatttsd")
        if now.copied:
            files.remove(path, path.parent)
            return Change(f"removed {path}, which was a copy of {self._where.global_config}", path)
        files.write(path, now.base)
        if now.intact:
            files.remove(self._backup)
            return Change(f"{path} is what it was before", path)
        kept = f"; {self._backup} is what it was before" if self._backup.exists() else ""
        return Change(
            f"{path} was edited since: only the block of chatttsd was taken out{kept}", path, edited=True
        )

    @property
    def _backup(self) -> Path:
        path = self._where.user_config
        return path.with_name(path.name + _BACKUP)

    def _read(self) -> Marked:
        path = self._where.user_config
        content = files.read(path)
        return Marked(b"", origin="copy") if content is None else configuration.take_apart(content, path)

    def _fresh(self, now: Marked) -> bool:
        # A copy that nobody has changed is made anew: the machine's file may have been upgraded since.
        return now.copied or not self._where.user_config.is_file()

    def _global(self, choices: Choices) -> bytes:
        content = files.read(self._where.global_config)
        if content is None and choices.lines():
            raise CommandError(
                f"there is no {self._where.global_config} to begin speechd.conf with: "
                f"install speech-dispatcher ({places.INSTALL}) and repeat this"
            )
        return content or b""
