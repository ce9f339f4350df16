"""Errors of the program itself: they are logged with the place where they happened, told, and the work goes on."""

import logging
from typing import Final

from castproof.errors import CastproofError
from castproof.translation import tr

_LOG: Final = logging.getLogger(__name__)


def unexpected(error: BaseException) -> CastproofError:
    """Return what a person is told of an error that nobody foresaw, after logging where it happened."""
    _LOG.error("unexpected error", exc_info=error)
    return CastproofError(
        tr("Something unexpected happened."),
        found=repr(error),
        fix=tr(
            "What is stored is safe. Go on; if it happens again, send this message to who gave you castproof."
        ),
    )
