/** The visitor's conversations, behind a button. */

import { clone, languageOf } from "./html.js";

export class Menu {
  constructor(button, panel, { open }) {
    this.button = button;
    this.panel = panel;
    this.open = open;
    this.list = panel.querySelector("ul");
    button.addEventListener("click", () => this.toggle(panel.hidden));
    panel.addEventListener("click", (event) => this.chosen(event));
    document.addEventListener("click", (event) => {
      if (!panel.contains(event.target) && !button.contains(event.target)) this.toggle(false);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || panel.hidden) return;
      this.toggle(false);
      button.focus();
    });
  }

  toggle(shown) {
    if (this.panel.hidden !== shown) return;
    this.panel.hidden = !shown;
    this.button.setAttribute("aria-expanded", String(shown));
    if (shown) this.load();
  }

  async load() {
    this.say("loading");
    try {
      const response = await fetch("/api/conversations");
      this.draw((await response.json()).conversations);
    } catch (error) {
      this.say("failed"); // no network, or a server that answers something else
    }
  }

  draw(conversations) {
    this.list.replaceChildren(...conversations.map(entryOf));
    this.say(conversations.length ? "" : "empty");
  }

  say(state) {
    for (const line of this.panel.querySelectorAll("[data-list]")) {
      line.hidden = line.dataset.list !== state;
    }
  }

  chosen(event) {
    const link = event.target.closest("a[data-conversation]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.toggle(false);
    this.open(link.dataset.conversation);
  }
}

function entryOf({ id, title, at }) {
  const entry = clone("conversation-template");
  const link = entry.querySelector("a");
  link.href = `/c/${id}`;
  link.dataset.conversation = id;
  if (location.pathname === `/c/${id}`) link.setAttribute("aria-current", "page");
  const name = entry.querySelector(".conversation-title");
  name.textContent = title;
  name.lang = languageOf(title);
  const time = entry.querySelector("time");
  time.dateTime = at;
  time.textContent = new Date(at).toLocaleString(document.documentElement.lang, {
    dateStyle: "medium",
    timeStyle: "short",
  });
  return entry;
}
