"""Whether a receiver's address may be entered: checked when somebody enters it, and again at every delivery."""

import asyncio
import socket

from yarl import URL

from services.notify.webhooks.addresses import GuardedResolver, RefusedAddress
from services.runtime.errors import ValidationFailed

LOOK_UP_SECONDS = 3.0
_POINTER = "/url"


async def checked(url: str, resolver: GuardedResolver) -> str:
    """The address as it will be called.

    Raises:
        ValidationFailed: `invalid_url`, `refused_address` or `unknown_host`. A name server that does not say is no
            reason: it is asked again at every delivery.
    """
    parsed = _parsed(url)
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            await resolver.check(parsed.raw_host or "")
    except RefusedAddress as error:
        raise ValidationFailed.at(
            _POINTER, "refused_address", "lies in a private network that is not on the list of BIHUAN_WEBHOOK_NETWORKS"
        ) from error
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            raise ValidationFailed.at(_POINTER, "unknown_host", "no such host") from error
    except UnicodeError as error:
        raise _invalid("no host can be called like this") from error
    except (OSError, TimeoutError):
        pass
    return str(parsed)


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
        is_whole = parsed.scheme in {"http", "https"} and bool(parsed.host) and len(url.split()) == 1
    except ValueError as error:
        raise _invalid("write an address as https://example.com/hooks") from error
    if not is_whole:
        raise _invalid("write an address as https://example.com/hooks")
    if parsed.user is not None or parsed.password is not None:
        raise _invalid("leave user and password out; deliveries are signed")
    if parsed.fragment:
        raise _invalid("leave out what follows #; it is never sent")
    return parsed


def _invalid(message: str) -> ValidationFailed:
    return ValidationFailed.at(_POINTER, "invalid_url", message)
