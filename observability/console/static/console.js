// What a page can do beyond links and forms: live figures, keys, and small
// comforts. Every page works without it.
"use strict";

const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
const say = (text, seconds) => text.replace("{s}", seconds);

// Live figures: elements with data-live show the cell of that name.
const live = $("#live");
if (live) {
  const text = $("#live-text"), button = $("#live-pause"), announce = $("#announce");
  const staleAfter = 10, announceEvery = 5000;
  let source, paused = false, at = Number(live.dataset.at), skew = 0, changes = new Map(), announced = 0;

  const show = ({ cells }) => {
    for (const el of $$("[data-live]")) {
      const cell = cells[el.dataset.live];
      if (!cell) continue;
      if (cell.state && el.dataset.state !== cell.state) {
        el.dataset.state = cell.state;
        if (el.classList.contains("state")) changes.set(el.dataset.live, cell.text);
      }
      if (!("keep" in el.dataset) && el.textContent !== cell.text) el.textContent = cell.text;
    }
  };
  // State changes are read out together, not one by one.
  const tell = () => {
    if (!changes.size || Date.now() - announced < announceEvery) return;
    announced = Date.now();
    announce.textContent = [...changes].map(([name, word]) => name.replace(/\.\w+$/, "") + ": " + word).join(", ");
    changes.clear();
  };
  const tick = () => {
    if (paused) {
      live.dataset.state = "paused";
      text.textContent = live.dataset.paused;
      return;
    }
    const age = Math.max(0, Math.round((Date.now() - skew - at) / 1000));
    live.dataset.state = age > staleAfter ? "stale" : "fresh";
    text.textContent = say(age > staleAfter ? live.dataset.stale : live.dataset.fresh, age);
    tell();
  };
  const open = () => {
    source = new EventSource("/events");
    source.onmessage = (event) => {
      const update = JSON.parse(event.data);
      if (update.at !== at) skew = Date.now() - update.at; // the clocks of browser and hub need not agree
      at = update.at;
      show(update);
      tick();
    };
  };
  skew = Date.now() - at;
  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    if (paused) source.close();
    else open();
    tick();
  });
  open();
  tick();
  setInterval(tick, 1000);
}

// A form that is sent twice by a double click is one request.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog" || form.method === "get") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  setTimeout(() => { for (const b of $$("button", form)) b.disabled = true; });
});
addEventListener("pageshow", () => {
  for (const form of $$("form[data-sent]")) {
    delete form.dataset.sent;
    for (const b of $$("button", form)) b.disabled = false;
  }
});

// Dialogs for browsers that do not know command and commandfor.
if (!("command" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    if (!button) return;
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    if (button.getAttribute("command") === "show-modal") dialog.showModal();
    else dialog.close();
  });
}

// Choosing rows.
const all = $("#all-rows"), chosen = $("#chosen");
if (all) {
  const boxes = $$("input[name=letter]:not([disabled])");
  const count = () => { chosen.textContent = "(" + boxes.filter((b) => b.checked).length + ")"; };
  all.hidden = false;
  all.addEventListener("change", () => { for (const b of boxes) b.checked = all.checked; count(); });
  for (const b of boxes) b.addEventListener("change", count);
  count();
}

// Keys. They are off while something is typed or a dialog is open.
let current = -1, prefix = "", prefixTimer;
const rows = () => $$("tr[data-row]");
const move = (by) => {
  const list = rows();
  if (!list.length) return;
  list[current]?.classList.remove("current");
  current = Math.min(list.length - 1, Math.max(0, current + by));
  const row = list[current];
  row.classList.add("current");
  row.scrollIntoView({ block: "nearest" });
  $("a, button", row)?.focus();
};
const keys = {
  "/": () => { const field = $("[data-search]"); if (field) field.focus(); else location.assign("/application"); },
  "?": () => $("#help")?.showModal(),
  "j": () => move(1),
  "k": () => move(-1),
  "r": () => $("[data-key=r]")?.click(),
  "g r": () => location.assign("/"),
  "g d": () => location.assign("/letters"),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  if (event.target.closest("input:not([type=checkbox]):not([type=radio]), select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const row = event.target.closest("tr[data-href]");
  if (event.key === "Enter" && row && !event.target.closest("a, button, input")) {
    location.assign(row.dataset.href);
    return;
  }
  clearTimeout(prefixTimer);
  const key = prefix ? prefix + " " + event.key : event.key;
  prefix = "";
  if (key === "g") {
    prefix = "g";
    prefixTimer = setTimeout(() => { prefix = ""; }, 1500);
    return;
  }
  if (keys[key]) {
    event.preventDefault();
    keys[key]();
  }
});

// What is under way, a run or the decision of a letter: its part of the page is
// fetched anew until it is through. What has the same version is left as it is, and so
// is what somebody answers in a dialog.
const underWay = $("[data-refresh]");
if (underWay) {
  const again = async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const old = document.getElementById(underWay.id), next = page.getElementById(underWay.id);
      const same = next?.dataset.version && next.dataset.version === old.dataset.version;
      if (next && !same && !$("dialog[open]", old)) {
        const had = document.activeElement?.closest("button[commandfor='cancel']");
        const head = next.contains($(".head .state", page)) ? null : $(".head .state", page);
        old.replaceWith(next);
        if (had) $("button[commandfor='cancel']", next)?.focus();
        if (head) $(".head .state").replaceWith(head);
        if (!("refresh" in next.dataset)) {
          $("#cancel")?.close(); // there is nothing to stop any more
          $("#announce").textContent = $(".head .state")?.textContent ?? "";
          return;
        }
      }
    } catch { /* the hub is away: tried again */ }
    setTimeout(again, 1000);
  };
  setTimeout(again, 1000);
}

// Personal data hides itself after a minute, and is not there for whoever comes
// back to the page.
const hide = $("#hide");
if (hide) {
  const until = Date.now() + 1000 * Number(hide.dataset.seconds);
  const left = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    $("#left").textContent = say(hide.dataset.text, Math.max(0, seconds));
    if (seconds <= 0) leave();
  };
  const leave = () => {
    $("#content")?.remove();
    location.replace(hide.dataset.href);
  };
  setInterval(left, 1000);
  left();
  addEventListener("pagehide", () => $("#content")?.remove());
}
