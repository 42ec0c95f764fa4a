"""Why a bucket refuses, in a line, without what is secret in an address."""

import re

_CODE = re.compile(r"<Code>(\w+)</Code>|\"code\":\s*\"?(\w+)")
_WHY = {
    "NoSuchBucket": "there is no such bucket",
    "ContainerNotFound": "there is no such container",
    "AuthenticationFailed": "the key or token is not this account's, or has expired (AuthenticationFailed)",
    "AccessDenied": "the credentials lack a permission (AccessDenied)",
    "InvalidAccessKeyId": "the access key is unknown there (InvalidAccessKeyId)",
    "SignatureDoesNotMatch": "the secret does not belong to the access key (SignatureDoesNotMatch)",
    "ExpiredToken": "the credentials have expired (ExpiredToken)",
    "PermanentRedirect": "the bucket is in another region: set AWS_REGION, or `region`",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set AWS_REGION, or `region`",
}

#: The same of any other code, by the status of the answer.
_STATUS = re.compile(r"status code: (\d{3})")
_WHY_BY_STATUS = {
    "401": "the credentials are missing, or not valid",
    "403": "the credentials lack a permission",
    "429": "too many requests; try again later",
    "503": "the store is busy; try again later",
}

#: Where the library looks for credentials last, when nothing else is set.
_SEARCHES = ("/latest/api/token", "/latest/meta-data", "/computeMetadata/", "metadata/identity", "msi/token")

#: What to do then, by the library's name of the cloud; the last one is in every text.
_WAYS = {
    "GCS": "set GOOGLE_APPLICATION_CREDENTIALS, or see `gcloud auth application-default login`",
    "Azure": "set AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN, or AZURE_USE_AZURE_CLI=true",
    "": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
}


def explain(error: BaseException) -> str:
    """What the library of object stores says, for people."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    moved = ["PermanentRedirect"] if "without LOCATION" in said else []
    code = next(iter([*moved, *(one or other for one, other in _CODE.findall(said))]), "")
    if code in _WHY:
        return _WHY[code]
    if any(each in said for each in _SEARCHES):
        return f"no credentials were found: {next(way for name, way in _WAYS.items() if name in said)}"
    if "builder error" in said:
        return "the endpoint is not a URL with https, or with http of this machine"
    if (status := next(iter(_STATUS.findall(said)), "")) in _WHY_BY_STATUS:
        return f"{_WHY_BY_STATUS[status]} ({code or status})"
    line = re.sub(r"\?\S+", "?…", said.partition("\n")[0])
    if "error sending request" in line:
        host = next(iter(re.findall(r"https?://[^/\s]+", line)), "the endpoint")
        return f"{host} cannot be reached"
    line = re.sub(r"^Generic \w+ error: ", "", line)
    return f"{line} ({code})" if code else line
