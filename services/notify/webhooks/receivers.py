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
            _POINTER,
            "refused_address",
            {
                "en": "lies in a private network that is not on the list of BIHUAN_WEBHOOK_NETWORKS",
                "zh": "位于内部网络，且不在 BIHUAN_WEBHOOK_NETWORKS 的列表中",
            },
        ) from error
    except socket.gaierror as error:
        if error.errno == socket.EAI_NONAME:
            raise ValidationFailed.at(_POINTER, "unknown_host", {"en": "no such host", "zh": "没有这个主机"}) from error
    except UnicodeError as error:
        raise _invalid(en="no host can be called like this", zh="主机名不可能是这样") from error
    except (OSError, TimeoutError):
        pass
    return str(parsed)


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
        is_whole = parsed.scheme in {"http", "https"} and bool(parsed.host) and len(url.split()) == 1
    except ValueError as error:
        raise _no_address() from error
    if not is_whole:
        raise _no_address()
    if parsed.user is not None or parsed.password is not None:
        raise _invalid(en="leave user and password out; deliveries are signed", zh="请去掉用户名和密码：投递均已签名")
    if parsed.fragment:
        raise _invalid(en="leave out what follows #; it is never sent", zh="请去掉 # 及其后内容：不会被发送")
    return parsed


def _no_address() -> ValidationFailed:
    example = "https://example.com/hooks"
    return _invalid(en=f"write an address as {example}", zh=f"请按 {example} 的形式填写地址")


def _invalid(*, en: str, zh: str) -> ValidationFailed:
    return ValidationFailed.at(_POINTER, "invalid_url", {"en": en, "zh": zh})
