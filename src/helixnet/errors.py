"""The error tree: the class says what the caller must do, the message says where.

HelixNetError                      base; never raised itself
├── UsageError                     correct the command, setting or request (exit 2, HTTP 400)
│   ├── ContextError               correct the context: ``problems`` lists every one with its place
│   └── TooLargeError              send less (HTTP 413)
├── RejectedError                  set this record aside and go on
├── RefusedError                   the file as a whole is refused; no result is written (exit 1)
│   └── DriftError                 correct the file, or apply ``patch`` to the context
├── UnavailableError               back off and try again (exit 3, HTTP 503)
├── UnauthenticatedError           present a valid token (HTTP 401)
├── ForbiddenError                 ask for the role (HTTP 403)
├── NotFoundError                  name something that exists for this tenant (HTTP 404)
└── ConflictError                  look at the present state and decide again (HTTP 409)

Every fault that a user can meet has a code ``HX-####``: see :mod:`helixnet.engine.codes`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol


class HelixNetError(Exception):
    """Base of every error that HelixNet raises on purpose.

    Args:
        message: where it is wrong and what to do; empty takes the class docstring's first line.
        code: the ``HX-####`` code, where there is one.
        hint: the next thing to try, where it is known.
    """

    def __init__(self, message: str = "", *, code: str = "", hint: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])
        self.code = code
        self.hint = hint


class Problem(Protocol):
    """One thing that is wrong in a context: prints as ``file:line:column: HX-4xxx message``."""

    @property
    def severity(self) -> str:
        """``error`` or ``warning``."""
        ...


class UsageError(HelixNetError):
    """The command, setting or request is wrong."""


class ContextError(UsageError):
    """The context can't be used as it is.

    Args:
        problems: every problem found, errors and warnings, in file order.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class TooLargeError(UsageError):
    """What was sent is over a limit."""


class RejectedError(HelixNetError):
    """One record can't be used; set it aside with its reason and go on."""


class RefusedError(HelixNetError):
    """The file as a whole can't be used; nothing of it is delivered."""


class DriftError(RefusedError):
    """The file differs from its contract.

    Args:
        drift: each difference, in words.
        patch: operations of JSON Patch (RFC 6902) that bring the context up to date.
    """

    def __init__(self, drift: Sequence[str], patch: Sequence[Mapping[str, object]]) -> None:
        super().__init__(
            "the file differs from its contract: " + "; ".join(drift),
            code="HX-5003",
            hint="bring the file or `source.fields` up to date",
        )
        self.drift = tuple(drift)
        self.patch = tuple(patch)


class UnavailableError(HelixNetError):
    """Something needed is not there now; back off and try again."""


class UnauthenticatedError(HelixNetError):
    """No valid token came with the request."""


class ForbiddenError(HelixNetError):
    """The token is valid but lacks the role."""


class NotFoundError(HelixNetError):
    """There is no such thing for this tenant."""


class ConflictError(HelixNetError):
    """The thing's present state does not allow that."""
