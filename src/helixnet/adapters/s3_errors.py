"""What an S3 server or the way to it says, as what the caller must do."""

from typing import Final
from xml.etree.ElementTree import ParseError

from aiohttp import ClientError
from miniopy_async.error import InvalidResponseError, MinioException, S3Error, ServerError

from helixnet.errors import HelixNetError, NotFoundError, UnavailableError, UsageError

FAULTS: Final = (MinioException, ClientError, OSError, ParseError, ValueError)
"""Everything that a request can end with; a time-out is an OSError."""
APPLY: Final = "helixnet store apply"
_GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "NoSuchUpload"})
_FULL: Final = frozenset({"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"})
_NAME: Final = frozenset(
    {"XMinioInvalidObjectName", "XMinioParentIsObject", "XMinioObjectExistsAsDirectory"}
    | {"KeyTooLongError"}
)
_KEYS: Final = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"})
_LEAST_OF_SERVER: Final = 500
_INSUFFICIENT_STORAGE: Final = 507


def told(error: BaseException, what: str, *, version: str = "") -> HelixNetError:
    """Return what a failed request means for who made it.

    Args:
        error: as the client library raised it.
        what: it was about.
        version: that was asked for; a server finds a version that it never gave malformed.
    """
    status, code = _status(error), _code(error)
    if code in _GONE or (version and code in {"BadRequest", "InvalidArgument"}):
        return NotFoundError(f"no object {what} of version {version or 'now'}")
    if code in _FULL or status == _INSUFFICIENT_STORAGE:
        return UnavailableError(f"no room for {what} in the bucket", code="HX-7004")
    if code in _NAME or isinstance(error, UnicodeEncodeError):
        return UsageError(f"the object store can't keep a file of this name: {what!r}")
    if code == "NoSuchBucket":
        return UnavailableError(f"{what}: there is no such bucket", hint=APPLY)
    if code in _KEYS:
        return UnavailableError(
            f"{what}: the object store refuses the access key ({code})",
            hint="look at store_access_key and store_secret_key",
        )
    return UnavailableError(f"{what}: the object store does not serve: {_reason(error)}")


def refuses_key(error: BaseException) -> bool:
    """Whether the server knows the access key but not with this secret, or not at all."""
    return _code(error) in _KEYS


def lacks_bucket(error: BaseException) -> bool:
    """Whether the server has no such bucket."""
    return _code(error) == "NoSuchBucket"


def passes(error: BaseException) -> bool:
    """Whether the same request may do better in a moment: a time-out has had its time."""
    if isinstance(error, TimeoutError):
        return False
    if isinstance(error, MinioException):
        return _LEAST_OF_SERVER <= _status(error) != _INSUFFICIENT_STORAGE
    return isinstance(error, ClientError | OSError)


def _status(error: BaseException) -> int:
    match error:
        case S3Error():
            return error.response.status
        case ServerError():
            return error.status_code
        case InvalidResponseError():
            return int(error.args[0].partition("Response code: ")[2].partition(",")[0] or 0)
        case _:
            return 0


def _code(error: BaseException) -> str:
    return (error.code or "") if isinstance(error, S3Error) else ""


def _reason(error: BaseException) -> str:
    if isinstance(error, S3Error):
        return f"{error.code}: {error.message}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error).partition("\n")[0] or type(error).__name__
