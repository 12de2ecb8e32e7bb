// What pages gain when scripts run: countdowns that tick, keys, and live parts that leave alone what a reader does.
// Everything works without it.
"use strict";

(() => {
  const SECOND = 1000;
  let ahead = 0; // how far the server's clock is ahead of this one, in milliseconds

  // Zone: told to the server by a cookie, so that pages come with the reader's own times.
  const tellZone = () => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (!zone || document.cookie.includes(`bihuan_zone=${zone}`)) return;
    document.cookie = `bihuan_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
    const differs = zone !== document.documentElement.dataset.zone && document.querySelector("time");
    if (differs && document.cookie.includes(`bihuan_zone=${zone}`)) window.location.reload();
  };

  // Countdowns: the same words and units as the server's.
  const words = document.body.dataset;
  const unit = (name, count) => words[name].replace("{count}", count);
  const length = (milliseconds) => {
    const seconds = Math.floor(Math.abs(milliseconds) / SECOND);
    const days = Math.floor(seconds / 86400), hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60);
    let parts;
    if (seconds >= 2 * 86400) parts = [["days", days], ["hours", hours % 24]];
    else if (hours) parts = [["hours", hours], ["minutes", minutes % 60]];
    else if (minutes >= 10) parts = [["minutes", minutes]];
    else parts = [["minutes", minutes], ["seconds", seconds % 60]];
    const shown = parts.filter(([, count]) => count);
    return (shown.length ? shown : parts.slice(-1)).map(([name, count]) => unit(name, count)).join(" ");
  };
  const tick = () => {
    const now = Date.now() + ahead;
    for (const each of document.querySelectorAll("time[data-countdown]")) {
      const left = Date.parse(each.dateTime) - now;
      const text = (left < 0 ? words.late : words.left).replace("{length}", length(left));
      if (each.textContent !== text) each.textContent = text;
    }
  };
  const readServerClock = () => {
    const told = document.querySelector("[data-now]");
    if (told) ahead = Date.parse(told.dataset.now) - Date.now();
    tick();
  };

  const unsend = (form) => { delete form.dataset.sent; form.removeAttribute("aria-busy"); };
  const isLive = (event) => event.target.id === "live";

  // Live parts: what a reader has opened, typed or chosen stays.
  const isTouched = (form) => form.dataset.touched !== undefined;
  const keep = (from, to) => {
    if (from.nodeType !== Node.ELEMENT_NODE) return true;
    if (from.matches("time") && to.dateTime === from.dateTime && from.dataset.countdown === to.dataset.countdown) return false;
    // What was sent is answered by what comes: its form is drawn anew, though the button has the focus.
    if (!from.matches("form") || from.dataset.sent !== undefined) return true;
    const hint = from.querySelector(".form-changed");
    if (isTouched(from) && hint && from.elements.version?.value !== to.elements?.version?.value) hint.hidden = false;
    return !isTouched(from) && !from.contains(document.activeElement);
  };
  if (window.Idiomorph) {
    Object.assign(window.Idiomorph.defaults, { ignoreActiveValue: true, restoreFocus: true });
    Object.assign(window.Idiomorph.defaults.callbacks, {
      beforeNodeMorphed: keep,
      beforeNodeRemoved: (node) => !(node.nodeType === Node.ELEMENT_NODE && (node.matches("[data-kept], #said:focus") || [...node.querySelectorAll?.("form") ?? []].some(isTouched))),
      beforeAttributeUpdated: (name, node) => !(name === "open" && node.matches("details")),
    });
  }
  document.addEventListener("input", (event) => { const form = event.target.form; if (form) form.dataset.touched = ""; });
  const selecting = () => { const selection = document.getSelection(); return selection && !selection.isCollapsed; };
  document.addEventListener("htmx:beforeRequest", (event) => {
    // A part in the background or one that is being copied from is not disturbed.
    if (isLive(event) && (document.hidden || selecting())) event.preventDefault();
  });
  document.addEventListener("htmx:afterSwap", readServerClock);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.requestConfig?.verb === "post") document.getElementById("said")?.focus();
  });
  // What was done is said once: not again to whoever reloads the page, keeps its address or comes back to it.
  window.addEventListener("load", () => {
    const address = new URL(window.location.href);
    if (address.hash !== "#said") return;
    document.getElementById("said")?.focus();
    for (const name of ["done", "told", "resent", "moved"]) address.searchParams.delete(name);
    address.hash = "";
    window.history.replaceState(window.history.state, "", address);
  });
  const connection = document.querySelector(".connection");
  const lost = (is) => { if (connection) connection.hidden = !is; };
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(name, (event) => { if (isLive(event)) lost(true); });
  }
  document.addEventListener("htmx:afterRequest", (event) => { if (isLive(event) && event.detail.successful) lost(false); });
  // A live part that shows nothing else than before is not sent again: it is as of now all the same.
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr } = event.detail, told = document.querySelector("[data-as-of]");
    if (!isLive(event) || xhr.status !== 304 || !told) return;
    const at = new Date(xhr.getResponseHeader("Date"));
    told.textContent = at.toLocaleTimeString("en-GB", { timeZone: document.documentElement.dataset.zone });
    event.target.dataset.now = at.toISOString();
    readServerClock();
  });
  document.addEventListener("htmx:afterRequest", (event) => { if (event.target.matches("form")) unsend(event.target); });
  document.addEventListener("visibilitychange", () => {
    const live = document.getElementById("live");
    if (!document.hidden && live && window.htmx) window.htmx.trigger(live, "refresh");
  });

  // A prepared message follows what is chosen, as long as nobody has written into it.
  document.addEventListener("change", (event) => {
    const changed = event.target;
    if (!changed.matches("input[data-said]")) return;
    const choices = [...changed.form.querySelectorAll("input[data-said]")];
    for (const area of changed.form.querySelectorAll("textarea[data-draft]")) {
      const about = (isChosen) => area.dataset.draft.replace(
        "{fields}", () => choices.filter(isChosen).map((each) => each.dataset.said).join(area.dataset.between) || "…"
      );
      const before = about((each) => (each === changed ? !each.checked : each.checked));
      if (area.value === before) area.value = about((each) => each.checked);
    }
  });

  // Forms: a second click sends nothing, filters send themselves.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent !== undefined) { event.preventDefault(); return; }
    if (form.method !== "post") return;
    form.dataset.sent = "";
    form.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(unsend));
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form?.dataset.autosend !== undefined) form.requestSubmit();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) event.target.form.requestSubmit();
  });

  // Keys: / searches, j and k walk the list, n makes a ticket, b shows the board, Escape closes the account menu.
  const walk = (step) => {
    const links = [...document.querySelectorAll(".tickets a.number")];
    if (!links.length) return;
    const at = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, at + step))].focus();
  };
  const keys = {
    "/": () => document.getElementById("find")?.focus(),
    j: () => walk(1),
    k: () => walk(-1),
    n: () => document.querySelector('.nav-main a[href="/tickets/new"]')?.click(),
    b: () => document.querySelector('.nav-main a[href="/board"]')?.click(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelector("details.account[open]")?.removeAttribute("open");
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.account[open]")) if (!menu.contains(event.target)) menu.removeAttribute("open");
  });

  // What is open stands in sight in a bar that is wider than the screen.
  for (const open of document.querySelectorAll(".nav-main [aria-current], .tabs [aria-current]")) {
    const bar = open.parentElement;
    bar.scrollLeft = open.offsetLeft - bar.offsetLeft - (bar.clientWidth - open.offsetWidth) / 2;
  }

  tellZone();
  readServerClock();
  setInterval(tick, SECOND);
})();
