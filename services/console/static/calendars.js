// A year of days: arrow keys between them, and the form of a day beside the year without losing the place in it.
"use strict";

(() => {
  const year = document.querySelector("[data-year]");
  if (!year) return;
  const days = [...year.querySelectorAll("a.day")];
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
  const ends = { Home: 0, End: days.length - 1 };
  const isNarrow = window.matchMedia("(max-width: 900px)");
  document.querySelector(".keys-hint").hidden = false;
  // One day is reached by Tab: the chosen one, else today, else the first.
  const enter = (day) => { for (const each of days) each.tabIndex = each === day ? 0 : -1; };
  enter(year.querySelector("[aria-current]") ?? year.querySelector(".is-today") ?? days[0]);
  year.addEventListener("keydown", (event) => {
    const at = days.indexOf(event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = event.key in ends ? ends[event.key] : at + (steps[event.key] ?? NaN);
    if (Number.isNaN(to)) return;
    event.preventDefault();
    const day = days[Math.min(days.length - 1, Math.max(0, to))];
    enter(day);
    day.focus();
  });
  let chosen = year.querySelector("[aria-current]");
  const choose = (day, form) => {
    document.getElementById("day").replaceWith(document.adoptNode(form));
    chosen?.removeAttribute("aria-current");
    chosen = day;
    day.setAttribute("aria-current", "date");
    enter(day);
    year.closest(".year-panes").classList.add("has-day");
    history.replaceState(null, "", day.href);
    document.getElementById("day-title").focus({ preventScroll: true });
    if (isNarrow.matches) form.scrollIntoView();
  };
  // Whatever is not a page with a form of the day, a sign-in for one, is left to the browser to show.
  const open = async (day) => {
    const answer = await fetch(day.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const form = answer.ok && page.getElementById("day");
    if (form) choose(day, form); else location.assign(day.href);
  };
  year.addEventListener("click", (event) => {
    const day = event.target.closest("a.day");
    if (!day || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(day).catch(() => location.assign(day.href));
  });
  // Hours count for a working day only: whoever writes some means one.
  document.addEventListener("input", (event) => {
    if (event.target.matches("#day #f-hours")) document.querySelector('#day input[value="working"]').checked = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && chosen && event.target.closest("#day")) chosen.focus();
  });
})();
