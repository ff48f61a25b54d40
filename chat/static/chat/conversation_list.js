/** The list of conversations: by day, searched and continued by the server. */

import { clone, languageOf, showOnly } from "./html.js";

const PAUSE_MS = 250;
const DAY_MS = 86_400_000;

export class ConversationList {
  /** `open(id)` shows a conversation, with null the beginning of a new one; `lastShown(id)` names the
   * message that it ends with on the screen, if it is open.
   */
  constructor(nav, { open, lastShown }) {
    this.nav = nav;
    this.lastShown = lastShown;
    this.open = open;
    this.place = nav.querySelector(".conversations");
    this.input = nav.querySelector("input[type=search]");
    this.problem = nav.querySelector(".problem");
    this.entries = new Map();
    this.items = new Map();
    this.asked = 0;
    this.complete = false;
    this.loading = false;
    this.input.addEventListener("input", () => this.searchSoon());
    nav.querySelector("#search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.searchNow();
    });
    this.place.addEventListener("click", (event) => this.act(event));
    this.watchEnd();
  }

  watchEnd() {
    this.end = document.createElement("div");
    this.end.className = "end";
    this.place.after(this.end);
    const seen = ([{ isIntersecting }]) => isIntersecting && this.more();
    this.observer = new IntersectionObserver(seen, { rootMargin: "200px" });
    this.observer.observe(this.end);
  }

  searchSoon() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.searchNow(), PAUSE_MS);
  }

  searchNow() {
    clearTimeout(this.pause);
    this.entries.clear();
    this.complete = false;
    this.refresh();
  }

  /** What is new stands on the first page; what was read beyond it stays. */
  async refresh() {
    if (this.entries.size === 0) this.say("loading");
    const read = await this.read();
    if (read === null) return;
    this.draw();
  }

  async more() {
    const last = this.sorted().pop();
    if (this.complete || this.loading || !last) return;
    const read = await this.read(last.id);
    if (read === null) return;
    this.complete = read === 0;
    this.draw();
  }

  /** How many came; null where the answer is late or none. */
  async read(before) {
    this.asked += 1;
    const asked = this.asked;
    this.loading = true;
    try {
      const query = new URLSearchParams({ search: this.input.value.trim() });
      if (before) query.set("before", before);
      const response = await fetch(`/api/conversations?${query}`);
      if (!response.ok) throw new Error(response.status);
      const { conversations } = await response.json();
      if (asked !== this.asked) return null;
      this.take(conversations, before);
      return conversations.length;
    } catch (error) {
      if (asked === this.asked) this.say(this.entries.size ? "" : "failed");
      return null;
    } finally {
      if (asked === this.asked) this.loading = false;
    }
  }

  /** A first page says of what is as new as its entries which of it is gone. */
  take(conversations, before) {
    const oldest = conversations[conversations.length - 1]?.at || "";
    for (const [id, { at }] of this.entries) {
      if (!before && at >= oldest) this.entries.delete(id);
    }
    for (const entry of conversations) this.entries.set(entry.id, entry);
  }

  sorted() {
    return Array.from(this.entries.values()).sort((one, other) => (one.at < other.at ? 1 : -1));
  }

  draw() {
    if (this.place.querySelector(".rename")) return; // not under somebody's hands
    const focused = document.activeElement;
    const groups = new Map();
    for (const entry of this.sorted()) {
      const name = this.groupOf(new Date(entry.at));
      groups.set(name, [...(groups.get(name) || []), this.itemOf(entry)]);
    }
    this.place.replaceChildren(...Array.from(groups, sectionOf));
    if (focused !== document.activeElement && this.place.contains(focused)) {
      focused.focus({ preventScroll: true });
    }
    const none = this.input.value.trim() ? "unmatched" : "empty";
    this.say(this.entries.size ? "" : none);
    if (this.complete) return;
    this.observer.unobserve(this.end); // it may be in view already: observing tells again
    this.observer.observe(this.end);
  }

  itemOf(entry) {
    if (!this.items.has(entry.id)) this.items.set(entry.id, clone("conversation-template"));
    const item = this.items.get(entry.id);
    item.dataset.conversation = entry.id;
    const link = item.querySelector("a");
    link.href = `/c/${entry.id}`;
    link.dataset.conversation = entry.id;
    link.firstElementChild.textContent = entry.title;
    link.title = entry.title;
    link.lang = languageOf(entry.title);
    const open = location.pathname === `/c/${entry.id}`;
    if (open) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    link.id = `conversation-${entry.id}`;
    item.querySelector(".more").setAttribute("aria-describedby", link.id);
    return item;
  }

  groupOf(at) {
    const { today, yesterday, week } = this.place.dataset;
    const days = Math.round((midnight(new Date()) - midnight(at)) / DAY_MS);
    if (days <= 0) return today;
    if (days === 1) return yesterday;
    if (days <= 7) return week;
    const { lang } = document.documentElement;
    return at.toLocaleDateString(lang, { month: "long", year: "numeric" });
  }

  say(state) {
    showOnly(this.nav, "list", state);
  }

  /** Do what may fail; whether it was done. */
  async attempt(act) {
    this.problem.textContent = "";
    try {
      await act();
      return true;
    } catch (error) {
      this.problem.textContent = this.place.dataset.failed;
      return false;
    }
  }

  linkOf(id) {
    return this.items.get(id)?.querySelector("a");
  }

  async act(event) {
    const button = event.target.closest(".more");
    if (!button) return;
    const entry = this.entries.get(button.closest("li").dataset.conversation);
    await this.attempt(async () => {
      const { openActions } = await import("./conversation_actions.js");
      openActions(this, entry, button);
    });
  }
}

function sectionOf([name, items]) {
  const section = clone("group-template");
  section.querySelector("h3").textContent = name;
  section.querySelector("ul").append(...items);
  return section;
}

function midnight(day) {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate());
}
