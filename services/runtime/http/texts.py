"""What people read in problem documents, by code and language."""

from collections.abc import Mapping

TEXTS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "malformed_json": {
        "en": ("Malformed JSON", "The body is not valid JSON in UTF-8."),
        "zh": ("JSON 格式错误", "请求正文不是有效的 UTF-8 JSON。"),
    },
    "malformed_yaml": {
        "en": ("Malformed YAML", "The body is no YAML that can be taken; `errors` names the line."),
        "zh": ("YAML 格式错误", "请求正文不是可接受的 YAML，行号见 `errors`。"),
    },
    "malformed_request": {
        "en": ("Malformed request", "The request line or a header cannot be read."),
        "zh": ("请求格式错误", "无法读取请求行或请求头。"),
    },
    "unauthenticated": {
        "en": ("Sign in first", "Give a valid token or API key: `Authorization: Bearer ...`."),
        "zh": ("请先登录", "请提供有效的令牌或 API 密钥：`Authorization: Bearer ...`。"),
    },
    "forbidden": {
        "en": ("Not allowed", "Your role or key does not permit this."),
        "zh": ("没有权限", "您的角色或密钥不允许此操作。"),
    },
    "not_found": {
        "en": ("Not found", "There is nothing here, or nothing that you may see."),
        "zh": ("未找到", "此处没有内容，或您无权查看。"),
    },
    "method_not_allowed": {
        "en": ("Method not allowed", "This path answers other methods; see the `Allow` header."),
        "zh": ("不支持此方法", "该路径支持的方法见 `Allow` 响应头。"),
    },
    "request_timeout": {
        "en": ("Request timed out", "The request was not sent completely in time."),
        "zh": ("请求超时", "未能及时收到完整的请求。"),
    },
    "conflict": {
        "en": ("Conflict", "The current state does not permit this."),
        "zh": ("状态冲突", "当前状态不允许此操作。"),
    },
    "illegal_transition": {
        "en": (
            "Not possible in this state",
            "The ticket's state does not permit this command; `allowed` lists what is.",
        ),
        "zh": ("当前状态不允许", "工单当前状态不允许此命令，可用命令见 `allowed`。"),
    },
    "idempotency_in_flight": {
        "en": (
            "Still being worked on",
            "The first request with this Idempotency-Key has not finished; repeat shortly.",
        ),
        "zh": ("仍在处理中", "使用此 Idempotency-Key 的首个请求尚未完成，请稍后重试。"),
    },
    "idempotency_key_reused": {
        "en": ("Idempotency-Key used before", "This key was used with another body; take a new key."),
        "zh": ("Idempotency-Key 已被使用", "此键已用于不同的请求正文，请更换新键。"),
    },
    "stale_version": {
        "en": ("Changed meanwhile", "`If-Match` is not the current version; read again."),
        "zh": ("内容已更新", "`If-Match` 不是当前版本，请重新读取。"),
    },
    "too_large": {
        "en": ("Too large", "The body is larger than this server takes."),
        "zh": ("请求过大", "请求正文超过服务器允许的大小。"),
    },
    "unsupported_media_type": {
        "en": ("Unsupported media type", "Send `Content-Type: application/json`."),
        "zh": ("不支持的内容类型", "请使用 `Content-Type: application/json`。"),
    },
    "validation_failed": {
        "en": ("Please check the input", "`errors` says what is wrong where."),
        "zh": ("请检查输入", "具体问题见 `errors`。"),
    },
    "rate_limited": {
        "en": ("Too many requests", "Wait for the seconds in `Retry-After`."),
        "zh": ("请求过于频繁", "请按 `Retry-After` 的秒数稍后重试。"),
    },
    "headers_too_large": {
        "en": ("Headers too large", "The request's headers are larger than this server takes."),
        "zh": ("请求头过大", "请求头超过服务器允许的大小。"),
    },
    "internal_error": {
        "en": ("Our mistake", "Something failed here; tell us the request id."),
        "zh": ("服务器错误", "服务器出现错误，请告知我们请求编号。"),
    },
    "unavailable": {
        "en": ("Temporarily unavailable", "It is unknown whether this was done: repeat with the same Idempotency-Key."),
        "zh": ("暂时不可用", "无法确认操作是否完成，请使用相同的 Idempotency-Key 重试。"),
    },
    "engine_unavailable": {
        "en": (
            "Temporarily unavailable",
            "The ticket's workflow cannot be reached: repeat with the same Idempotency-Key.",
        ),
        "zh": ("暂时不可用", "暂时无法访问工单流程，请使用相同的 Idempotency-Key 重试。"),
    },
}

MESSAGES: Mapping[str, str] = {
    "missing": "必填",
    "extra_forbidden": "未知字段",
    "string_type": "应为字符串",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不正确",
    "enum": "应为以下之一：{expected}",
    "literal_error": "应为以下之一：{expected}",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "too_short": "至少 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "model_attributes_type": "应为对象",
    "model_type": "应为对象",
    "dict_type": "应为对象",
    "list_type": "应为数组",
    "tuple_type": "应为数组",
    "datetime_type": "应为带时区的时间（RFC 3339）",
    "datetime_parsing": "应为带时区的时间（RFC 3339）",
    "datetime_from_date_parsing": "应为带时区的时间（RFC 3339）",
    "timezone_aware": "时间须带时区",
    "date_type": "应为日期",
    "date_parsing": "应为日期",
    "date_from_datetime_parsing": "应为日期",
    "date_from_datetime_inexact": "应为日期，不带时间",
    "finite_number": "应为有限的数字",
    "int_parsing_size": "数字过大",
    "string_unicode": "含有无效字符",
    "set_type": "应为数组",
    "frozen_set_type": "应为数组",
    "none_required": "应为 null",
    "union_tag_invalid": "应为以下之一：{expected_tags}",
    "union_tag_not_found": "缺少 {discriminator}",
    "url_type": "应为网址",
    "url_parsing": "应为网址",
    "url_scheme": "网址应以 {expected_schemes} 开头",
    "url_too_long": "网址最多 {max_length} 个字符",
    "value_error": "不是有效的值",
}
"""Chinese for pydantic's error types; what is not here stays English."""
