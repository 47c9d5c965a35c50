"""Changes files as a careless or broken program does."""

import os
from pathlib import Path


def change_in_secret(path: Path, data: bytes) -> None:
    """Write other content of the same length and set its time back, until the clock has ticked."""
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        path.write_bytes(data)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    unchanged = ("st_size", "st_mtime_ns", "st_ino")
    assert [getattr(after, name) for name in unchanged] == [getattr(before, name) for name in unchanged]
