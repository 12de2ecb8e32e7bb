// A new alert must not push away what somebody is about to click: while the pointer or the focus is in the list, the
// page says that there is something new and waits.
"use strict";

(() => {
  const list = () => document.getElementById("live");
  const bar = document.querySelector(".alerts-new");
  const ids = (root) => new Set([...root.querySelectorAll(".alarm")].map((each) => each.id));
  const busy = () => {
    const alarms = list()?.querySelector(".alarms");
    return alarms && (alarms.matches(":hover") || alarms.contains(document.activeElement));
  };
  let asked = false;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id !== "live" || event.detail.requestConfig?.verb !== "get") return;
    const coming = new DOMParser().parseFromString(event.detail.serverResponse, "text/html");
    const known = ids(list());
    const brings = [...ids(coming)].some((id) => !known.has(id));
    if (brings && busy() && !asked) {
      event.detail.shouldSwap = false;
      bar.hidden = false;
      return;
    }
    asked = false;
    bar.hidden = true;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const answered = event.detail.target?.id === "live" && event.detail.requestConfig?.verb === "post";
    if (answered) window.htmx.trigger(document.getElementById("alerts-count"), "refresh");
  });
  bar?.addEventListener("click", () => {
    asked = true;
    window.htmx.trigger(list(), "refresh");
  });
})();
