"""What S3 and boto3 answer instead of what was asked, as a sentence that says what to do."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    ResponseStreamingError,
    SSLError,
)
from urllib3.exceptions import HTTPError

from flux_assets.connections import advise_on_connection
from flux_assets.errors import (
    ConditionFailedError,
    ObjectNotFoundError,
    StoreError,
    StorePermissionError,
)

S3_FAILURES = (BotoCoreError, HTTPError)
"""What boto3 raises where S3 gave no answer; one that breaks off comes as its HTTP library's."""

BROKEN_OFF = (HTTPError, IncompleteReadError, ResponseStreamingError)

_RIGHTS = (
    "s3:GetObject, s3:PutObject and s3:ListBucket (without which an absent object looks forbidden, "
    "too), as in deploy/iam-policy.json"
)
_RIGHT_TO_DELETE = "s3:DeleteObject, as in deploy/iam-policy-prune.json"
_OR_A_LOCK = "; an object lock of the bucket forbids this, too"
_NO_CONNECTION = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError, SSLError)
_CREDENTIALS = re.compile(r"Credential|Profile|SSO|Token|Login|MFA|Metadata", re.ASCII)

_EXPIRED = "The credentials have expired: renew them, then start again"
_OTHER_REGION = "The bucket is in another region: set AWS_REGION to the bucket's"
_SLOWER = "Start again later, or lower FLUX_ASSETS_MAX_IN_FLIGHT"
_FULL = "The bucket's space is used up: make room, or raise its quota"
_CLOCK = "This machine's clock is too far from S3's: set it, best by NTP, then start again"
_PUT_ARGS = "Correct FLUX_ASSETS_S3_PUT_ARGS"
_ADVICE: Mapping[str, str] = {
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "InvalidObjectState": (
        "It lies in an archive class such as Glacier: restore it first, and let no lifecycle rule "
        "archive what is in the store"
    ),
    "InvalidAccessKeyId": (
        "Check the credentials: AWS_ACCESS_KEY_ID, or the profile that AWS_PROFILE names"
    ),
    "SignatureDoesNotMatch": (
        "Check AWS_SECRET_ACCESS_KEY, and that no proxy changes what is sent to S3"
    ),
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "InvalidToken": "Check AWS_SESSION_TOKEN, or unset it where the key needs none",
    "AuthorizationHeaderMalformed": _OTHER_REGION,
    "IllegalLocationConstraintException": _OTHER_REGION,
    "PermanentRedirect": _OTHER_REGION,
    "SlowDown": _SLOWER,
    "RequestLimitExceeded": _SLOWER,
    "ServiceUnavailable": _SLOWER,
    "Throttling": _SLOWER,
    "TooManyRequests": _SLOWER,
    "InternalError": "Start again later",
    "InsufficientStorage": _FULL,
    "NotEnoughSpace": _FULL,
    "QuotaExceeded": _FULL,
    "StorageFull": _FULL,
    "XMinioStorageFull": _FULL,
    "InvalidStorageClass": _PUT_ARGS,
    "InvalidTag": _PUT_ARGS,
    "InvalidEncryptionAlgorithmError": _PUT_ARGS,
    "InvalidBucketName": "Correct the bucket's name in FLUX_ASSETS_STORE",
    "AccountProblem": "See the AWS account's own pages: it is suspended or has an open bill",
    "NotSignedUp": "See the AWS account's own pages: it may not use S3",
}
_ADVICE_FOR_STATUS: Mapping[int, str] = {429: _SLOWER, 503: _SLOWER, 507: _FULL}
_LOCKED = re.compile(r"object[ -]?lock|\bWORM\b|retention|legal[ -]hold", re.IGNORECASE)
_WANTS_CHECKSUM = re.compile(r"(content-md5|x-amz-checksum).*required", re.IGNORECASE)
_CHECKSUM = re.compile(r"trailer|aws-chunked|checksum|content-?sha256", re.IGNORECASE)
_CONDITION = re.compile(r"if-(none-)?match|conditional|precondition", re.IGNORECASE)


def store_error(
    error: ClientError,
    uri: str,
    attempted: str,
    *,
    bucket: str,
    sends_checksums: bool,
    has_condition: bool,
) -> StoreError:
    """The error of a store for what S3 refuses.

    Args:
        error: S3's.
        uri: of the object, or of a prefix.
        attempted: `read`, `write`, `delete`, `list` or another verb.
        bucket: where it lies.
        sends_checksums: as for `advise_on_refusal`.
        has_condition: as for `advise_on_refusal`.
    """
    status, code = status_of(error), code_of(error)
    is_absent = attempted == "write" and code == "NoSuchKey"
    if status == 412 or code == "ConditionalRequestConflict" or is_absent:
        return ConditionFailedError(uri, attempted, f"the condition does not hold ({code})")
    if code == "NoSuchBucket":
        problem = f"there is no bucket {bucket}; create it or correct FLUX_ASSETS_STORE"
        return StoreError(uri, attempted, problem)
    if status == 404 and attempted in {"read", "delete"}:
        return ObjectNotFoundError(uri, attempted, "there is no such object")
    advice = advise_on_refusal(error, sends_checksums=sends_checksums, has_condition=has_condition)
    kind = StorePermissionError if status == 403 or "Expired" in code else StoreError
    if not advice and status == 403:
        rights = _RIGHT_TO_DELETE if attempted == "delete" else _RIGHTS
        advice = f"Check the credentials and their policy: {rights}"
        advice += _OR_A_LOCK if attempted in {"write", "delete"} else ""
    told = told_of(error)
    return kind(uri, attempted, f"{told}. {advice}" if advice else told)


def advise_on_refusal(
    error: ClientError, *, sends_checksums: bool = False, has_condition: bool = False
) -> str:
    """What to do about a refusal whose cause can be told; "" where it is one of rights, or unknown.

    Args:
        error: S3's, or that of the service that gives credentials.
        sends_checksums: whether the request had AWS's newer ones, which older stores do not know.
        has_condition: whether it was a conditional write.
    """
    code, message, status = code_of(error), _message_of(error), status_of(error)
    if error.operation_name.startswith(("AssumeRole", "GetRole", "GetSession")):
        return "The role was refused: check its trust policy, and AWS_PROFILE or AWS_ROLE_ARN"
    if _LOCKED.search(f"{code} {message}") and not _WANTS_CHECKSUM.search(message):
        return (
            "The bucket's object lock keeps it from being changed: give the store a bucket "
            "without one, for the ledger changes its entries"
        )
    if _WANTS_CHECKSUM.search(message):
        return "Set FLUX_ASSETS_S3_CHECKSUM=when_supported: the bucket takes nothing without one"
    if "kms" in f"{code} {message}".lower():
        return (
            "Allow kms:GenerateDataKey and kms:Decrypt on the bucket's key, as in "
            "deploy/iam-policy.json, and see that the key is enabled"
        )
    if status in {400, 411, 501} and code not in _ADVICE:
        return _advise_on_unknown_feature(
            f"{code} {message}",
            status,
            sends_checksums=sends_checksums,
            has_condition=has_condition,
        )
    return _ADVICE.get(code) or _ADVICE_FOR_STATUS.get(status, "")


def _advise_on_unknown_feature(
    told: str, status: int, *, sends_checksums: bool, has_condition: bool
) -> str:
    """A store that is older than AWS's newest headers refuses them in one of several ways."""
    is_unknown = status != 400 or bool(_CHECKSUM.search(told))
    if has_condition and _CONDITION.search(told):
        is_unknown, sends_checksums = True, False
    if is_unknown and sends_checksums:
        return (
            "If this store does not know AWS's newer checksums, set "
            "FLUX_ASSETS_S3_CHECKSUM=when_required"
        )
    if is_unknown and has_condition:
        return (
            "This store does not know conditional writes, which keep two runs from paying twice: "
            "choose with FLUX_ASSETS_STORE one that does, as AWS S3, or a directory"
        )
    return ""


def explain_failure(error: Exception) -> str:
    """Why there is no answer of S3, in one line, with what to do."""
    told = " ".join(str(error).split())
    if isinstance(error, _NO_CONNECTION):
        address = error.kwargs.get("endpoint_url") or error.kwargs.get("proxy_url") or ""
        host = urlsplit(str(address)).netloc.rpartition("@")[2] or "S3"
        advice = advise_on_connection(error, host, ca_variable="AWS_CA_BUNDLE")
        return f"{told}: {advice}"
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return (
            "no complete AWS credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or run with a role"
        )
    if isinstance(error, ParamValidationError):
        return f"{told}. {_PUT_ARGS}, if it is about one of those"
    if _CREDENTIALS.search(type(error).__name__):
        return f"{told}. Check AWS_PROFILE and renew the credentials"
    return told


def code_of(error: ClientError) -> str:
    """S3's code for an error; a reply without a body has its status instead."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """The HTTP status that an error came with."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def told_of(error: ClientError) -> str:
    """An error's text in one line."""
    return " ".join(str(error).split())


def _message_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))
