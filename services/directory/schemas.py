"""Bodies of the directory's endpoints, besides the messages of `contracts.directory`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, Secret, SecretStr, StringConstraints

from services.contracts.base import Code, Email, Instant, Message, Name
from services.contracts.changes import NotNull, WithoutRepeats
from services.contracts.directory import (
    ApiKey,
    Department,
    Scope,
    StaffAddress,
    StaffLanguage,
    StaffMember,
    StaffRole,
)
from services.contracts.permissions import Action
from services.contracts.policy import Weekday
from services.contracts.vocabulary import Category
from services.runtime.security.sessions import StaffStanding

StaffEmail = Annotated[Email, Field(max_length=254)]
Password = Annotated[SecretStr, Field(min_length=10, max_length=200)]
AnyPassword = Annotated[SecretStr, Field(max_length=1000)]
Roles = Annotated[tuple[StaffRole, ...], Field(min_length=1, max_length=20), WithoutRepeats]
Scopes = Annotated[tuple[Scope, ...], Field(min_length=1, max_length=50), WithoutRepeats]
WeeklyHours = Annotated[Mapping[Weekday, Annotated[Mapping[str, str], Field(max_length=20)]], Field(min_length=1)]
"""Written as a calendar's hours: `{"mon": {"09:00": "12:00", "13:30": "18:00"}}`."""
TimeZone = Annotated[str, Field(max_length=100)]
Categories = Annotated[tuple[Category, ...], Field(max_length=20), WithoutRepeats]


class Credentials(Message):
    """The body of `POST /v1/token`."""

    username: Annotated[str, Field(max_length=1000)]
    password: AnyPassword


class Token(Message):
    """A staff token and how long it lasts, in seconds."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a scheme, not a secret
    expires_in: int


class Me(Message):
    """The caller as the directory knows them; `allowed` is what they may do on some ticket or at all."""

    kind: Literal["staff", "api_key", "service"]
    id: str
    name: str
    username: str | None
    roles: tuple[StaffRole, ...]
    scopes: tuple[Scope, ...]
    department: str | None
    language: StaffLanguage | None = Field(description="The language that a member of staff is addressed in.")
    allowed: tuple[Action, ...]


class NewPassword(Message):
    """The body of `POST /v1/me/password`."""

    current: AnyPassword
    new: Password


class SignOutWish(Message):
    """Nothing needs to be said."""


class SignedOut(Message):
    """The session has ended: its token lets nobody in any more."""

    signed_out: Literal[True] = True


class EndedSession(Message):
    """A session that was signed out; `expires_at` in seconds since the epoch."""

    id: str
    expires_at: float


class SessionsNow(Message):
    """Sessions as processes keep them: everybody, unless they know this `generation`, and who signed out since."""

    generation: int
    staff: tuple[StaffStanding, ...] | None
    position: int
    ended: tuple[EndedSession, ...]
    more: bool


class NewDepartment(Message):
    """A department to be made; without an `id` it gets one."""

    id: Code | None = None
    name: Name
    categories: Categories = ()
    default: bool = False
    on_call_fallback: str | None = None
    calendar: Code | None = None
    active: bool = True


class DepartmentChange(Message):
    """Changes of a department."""

    name: Annotated[Name | None, NotNull] = None
    categories: Annotated[Categories | None, NotNull] = None
    default: Annotated[bool | None, NotNull] = None
    on_call_fallback: str | None = None
    calendar: Code | None = None
    active: Annotated[bool | None, NotNull] = None


class NewStaff(Message):
    """A member of staff to be made; without a password they cannot sign in yet."""

    username: Code
    name: Name
    roles: Roles
    department: Code | None = None
    password: Password | None = None
    email: StaffEmail | None = None
    language: StaffLanguage | None = None
    hours: WeeklyHours | None = None
    time_zone: TimeZone | None = None
    active: bool = True


class StaffChange(Message):
    """Changes of a member of staff."""

    username: Annotated[Code | None, NotNull] = None
    name: Annotated[Name | None, NotNull] = None
    roles: Annotated[Roles | None, NotNull] = None
    department: Code | None = None
    password: Annotated[Password | None, NotNull] = None
    email: StaffEmail | None = None
    language: StaffLanguage | None = None
    hours: WeeklyHours | None = None
    time_zone: TimeZone | None = None
    active: Annotated[bool | None, NotNull] = None


class NewShift(Message):
    """A shift to be made; without a department it is for the whole centre."""

    staff: str
    department: Code | None = None
    from_at: Instant
    to_at: Instant


class ShiftChange(Message):
    """Changes of a shift."""

    staff: Annotated[str | None, NotNull] = None
    department: Code | None = None
    from_at: Annotated[Instant | None, NotNull] = None
    to_at: Annotated[Instant | None, NotNull] = None


class AddressesAsked(Message):
    """The staff whom a service is about to tell something."""

    ids: Annotated[tuple[str, ...], Field(max_length=500)]


class StaffAddresses(Message):
    """Their addresses; whoever the directory does not know is missing."""

    items: tuple[StaffAddress, ...]


class NewApiKey(Message):
    """A key to be made; without a department it reaches every ticket."""

    name: Name
    scopes: Scopes
    department: Code | None = None
    active: bool = True


class ApiKeyChange(Message):
    """Changes of a key."""

    name: Annotated[Name | None, NotNull] = None
    scopes: Annotated[Scopes | None, NotNull] = None
    department: Code | None = None
    active: Annotated[bool | None, NotNull] = None


class IssuedApiKey(ApiKey):
    """A key just made: the only answer that holds its secret."""

    key: str


class AuditEntry(Message):
    """A change of a department, person or key; `fields` holds old and new values, of a password that it was set."""

    id: str
    at: Instant
    actor_kind: str
    actor_id: str
    subject_kind: Literal["department", "staff", "api_key", "shift"]
    subject_id: str
    change: Literal["created", "changed", "removed"]
    fields: Mapping[str, tuple[Any, Any]]


class Introspection(Message):
    """The SHA-256 of a key, in hex; the key itself stays with the process that was called."""

    key_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class KnownKey(Message):
    """A key's rights."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    department: str | None


class People(Message):
    """The whole directory for the services that keep a copy, inactive ones included. Departments come in the order in
    which routing tries them. `generation` grows with every change."""

    generation: int
    unchanged: bool = False
    """The asker's copy is still true; nothing is told again."""
    departments: tuple[Department, ...] = ()
    staff: tuple[StaffMember, ...] = ()


class Bootstrap(Message):
    """The first administrator and their key, made by whoever installs."""

    username: Code
    password: Password
    key: Secret[Annotated[str, StringConstraints(pattern=r"^bh_[A-Za-z0-9_-]{43}$")]]


class Bootstrapped(Message):
    """Whether this call made them."""

    created: bool
