"""Log lines carry journald's priorities, and never an exception's message."""

import io
import logging
from collections.abc import Iterator

import pytest

from chatttsd.platform import journal


@pytest.fixture(autouse=True)
def _keep_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:], root.level, logging.raiseExceptions = handlers, level, raising


def lines(environment: dict[str, str], level: str = "debug") -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    journal.set_up(level, environment, stream)
    return logging.getLogger("chatttsd.test"), stream


def test_priorities_are_in_front_under_journald() -> None:
    logger, stream = lines({"JOURNAL_STREAM": "1:2"})
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        logger.log(level, "one line")
    assert [line[:3] for line in stream.getvalue().splitlines()] == ["<7>", "<6>", "<4>", "<3>", "<2>"]


def test_every_line_of_a_record_has_the_priority() -> None:
    logger, stream = lines({"JOURNAL_STREAM": "1:2"})
    logger.warning("two\nlines")
    assert stream.getvalue() == "<4>WARNING: two\n<4>lines\n"


def test_elsewhere_there_are_no_priorities() -> None:
    logger, stream = lines({})
    logger.info("hello")
    assert stream.getvalue() == "INFO: hello\n"


def test_the_level_is_kept() -> None:
    logger, stream = lines({}, "warning")
    logger.info("hello")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("environment", [{}, {"JOURNAL_STREAM": "1:2"}])
def test_an_exception_shows_type_and_place_but_not_its_message(environment: dict[str, str]) -> None:
    logger, stream = lines(environment)
    try:
        int("what somebody said")
    except ValueError:
        logger.exception("it failed")
    assert "what somebody said" not in stream.getvalue()
    assert f"ValueError at {__name__}:" in stream.getvalue()


def test_where_of_an_exception_that_was_never_raised() -> None:
    assert journal.where(KeyError("x")) == "KeyError"
