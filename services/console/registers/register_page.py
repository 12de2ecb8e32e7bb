"""The page of a register: its list, a form that adds, a form in each row, and a question before an end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.console.forms import fingerprints
from services.console.forms.fields import FieldChoice
from services.console.promises.drafts import require
from services.console.public_api.client import ApiProblem
from services.console.public_api.directory_names import KnownDirectory
from services.console.registers import admin_lists, attempts
from services.console.registers.admin_lists import TABS, Register
from services.console.registers.attempts import FailedForm
from services.console.service import Page, PageDep
from services.console.shell.confirmation import Confirmation, ask, is_confirmed
from services.console.shell.routes import page_router, see_said
from services.runtime.errors import Forbidden
from services.runtime.pages.forms import Form, new_key, read_form, require_key

Entry = Mapping[str, Any]
Choices = Mapping[str, Sequence[FieldChoice]]


@dataclass(frozen=True)
class RegisterPage:
    """One register. A list that is more than what the API lists overrides `entries`, `choices` or `beside`."""

    register: Register

    def router(self) -> APIRouter:
        """The list, the form that adds, and the form of an entry."""
        router, path = page_router(), self.register.path
        router.add_api_route(path, self.show_list, methods=["GET"])
        router.add_api_route(path, self.add, methods=["POST"])
        router.add_api_route(f"{path}/{{identifier}}", self.change, methods=["POST"])
        return router

    async def entries(self, page: Page) -> list[dict[str, Any]]:
        """The list. Who left, and keys that are revoked, come last."""
        return sorted(await page.desk.items(self.register.collection), key=lambda each: not each["active"])

    async def choices(self, _page: Page, directory: KnownDirectory, _entries: Sequence[Entry]) -> Choices:
        """The choices of every `Field.source`."""
        return {
            "zones": (),  # typed, with the browser's list of them beside
            "departments": [FieldChoice(each["id"], each["name"]) for each in directory.active_departments],
            "staff": [
                FieldChoice(id_, directory.person(id_), directory.department(each["department"]))
                for id_, each in directory.staff.items()
                if each["active"]
            ],
        }

    async def beside(self, _page: Page, _directory: KnownDirectory, _entries: Sequence[Entry]) -> dict[str, Any]:
        """Values that this list alone shows."""
        return {}

    async def show_list(self, page: PageDep, done: str = "") -> Response:
        """Show the list."""
        return await self.show(page, done=done)

    async def add(self, request: Request, page: PageDep) -> Response:
        """Make an entry. The same form sent again makes none, and shows a secret again."""
        made = await self._added(page, await read_form(request))
        if isinstance(made, FailedForm):
            return await self.show(page, attempt=made)
        return await self.show(page, issued=made) if self.register.has_secret else self._done(page, made["id"])

    async def change(self, request: Request, page: PageDep, identifier: str) -> Response:
        """Change an entry, or remove it."""
        register = self.register
        require(page, register.needs)
        form = await read_form(request)
        if register.removable and form.one("remove"):
            return await self._remove(page, form, identifier)
        body, errors = admin_lists.change(form, register, page.zone, page.words)
        if clash := await attempts.clash(page, form, register, identifier, None if errors else body):
            return await self.show(page, attempt=clash)
        basis = form.one("basis")
        attempt = FailedForm(identifier, replace(attempts.kept(form, register.asked), errors=errors), "", basis=basis)
        if not errors and not is_confirmed(form) and await self._switches_off(page, identifier, body):
            return await self.ask(page, form, identifier, "switch_off")
        if not errors:
            try:
                await page.desk.patch(self.register.address(identifier), body)
            except ApiProblem as problem:
                attempt = FailedForm(identifier, attempts.refused(form, register.asked, problem), "", basis=basis)
            else:
                return self._done(page, identifier)
        return await self.show(page, attempt=attempt)

    async def ask(self, page: Page, form: Form, identifier: str, doing: str) -> Response:
        """Ask before an end; the form goes on from there."""
        entry, text = await self._entry(page, identifier), page.words.text
        directory = await page.console.names.directory(page.desk)
        title = admin_lists.title(entry, page.present(), directory.person)
        key = f"{self.register.name}.{doing}"
        go = page.words.first(f"{key}.go", f"registers.{doing}")
        question = Confirmation(text(key, title=title), text(f"{key}.text"), go, self.register.path)
        return ask(page, form, question)

    async def show(
        self, page: Page, *, attempt: FailedForm | None = None, issued: Entry | None = None, done: str = ""
    ) -> Response:
        """The list with what became of a form: the `attempt` that failed, or the entry whose secret was `issued`."""
        register = self.register
        may_keep = register.needs in page.reader.allowed
        if not may_keep and register.reads not in page.reader.allowed:
            raise Forbidden
        directory = await page.console.names.directory(page.desk)
        entries = await self.entries(page)
        attempt = attempts.placed_among(attempt, entries)
        return page.render(
            "registers.html",
            status=attempts.status(attempt),
            register=register,
            listed=entries,
            may_keep=may_keep,
            tabs=TABS[register.path.split("/")[1]] if may_keep else (),
            attempt=attempt,
            issued=issued,
            done=done,
            key=new_key,
            basis=lambda entry: fingerprints.fingerprint(admin_lists.drawn_from(entry, register)),
            standing=lambda entry: admin_lists.standing(entry, register, page.zone),
            directory=directory,
            choices=await self.choices(page, directory, entries),
            **await self.beside(page, directory, entries),
        )

    async def _added(self, page: Page, form: Form) -> Any:
        """The entry that was made, or what to correct."""
        key, register = require_key(form), self.register
        asked = (*register.add, *register.week)
        body, errors = admin_lists.addition(form, register, page.zone, page.words)
        if not errors:
            try:
                return await page.desk.post(register.collection, body, key=key)
            except ApiProblem as problem:
                return FailedForm(None, attempts.refused(form, asked, problem), new_key())
        return FailedForm(None, replace(attempts.kept(form, asked), errors=errors), key)

    async def _remove(self, page: Page, form: Form, identifier: str) -> Response:
        clash = await attempts.clash(page, form, self.register, identifier)
        if clash and clash.clash == attempts.GONE:
            return self._done(page, "removed")
        if clash:
            return await self.show(page, attempt=clash)
        if not is_confirmed(form):
            return await self.ask(page, form, identifier, "remove")
        await page.desk.delete(self.register.address(identifier))
        return self._done(page, "removed")

    async def _switches_off(self, page: Page, identifier: str, body: Mapping[str, Any]) -> bool:
        """Whether a form takes somebody's or something's access away that it has now."""
        if self.register.only_pauses or body.get("active", True):
            return False
        return bool((await self._entry(page, identifier)).get("active"))

    async def _entry(self, page: Page, identifier: str) -> Entry:
        """An entry of the list; empty where it is not listed, as a shift that has ended."""
        return next((each for each in await self.entries(page) if each["id"] == identifier), {})

    def _done(self, page: Page, identifier: str) -> Response:
        page.console.names.forget()
        return see_said(f"{self.register.path}?done={quote(identifier, safe='')}")
