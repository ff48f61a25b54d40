/** What stands around the chat on its own page: title, list, dialogs, keys. */

import { openDialog } from "./dialogs.js";
import { announce, languageOf } from "./html.js";
import { Menu } from "./menu.js";

const TITLE_CHARACTERS = 60;
const WRITING = "input, textarea, select, [contenteditable]";
const element = (id) => document.getElementById(id);

export class Shell {
  /** `open(id)` shows a conversation, with null the beginning of a new one; `write()` goes to where
   * one writes.
   */
  constructor({ open, write }) {
    this.menu = new Menu(element("menu-button"), { open });
    this.title = new Title();
    listen({
      search: () => this.menu.search(),
      begin() {
        open(null);
        write();
      },
      write,
    });
    element("new").addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(null);
      if (matchMedia("(hover: hover)").matches) write(); // a phone's keys hide the rest
    });
    element("language").addEventListener("submit", () => {
      element("language").elements.next.value = location.pathname;
    });
  }

  draw(client) {
    this.menu.draw(client);
    this.title.draw(client);
  }
}

/** Which conversation is open: in the tab, and said when another one has been opened. */
class Title {
  constructor() {
    this.page = document.title;
    this.opened = undefined;
  }

  draw({ conversation }) {
    const name = nameOf(conversation);
    const title = name ? `${name} · ${this.page}` : this.page;
    if (title !== document.title) document.title = title;
    if (conversation && !conversation.complete) return; // it has not come yet
    const { id = null, begun } = conversation || {};
    if (this.opened !== undefined && id !== this.opened && id && !begun) {
      announce(name, languageOf(name));
    }
    this.opened = id;
  }
}

/** The server makes its title from the first question; a new one's is not told. */
function nameOf(conversation) {
  const first = conversation?.path[0];
  return conversation?.title || (first?.role === "user" ? first.text.slice(0, TITLE_CHARACTERS) : "");
}

/** Keys for those who like them. Single ones hold only while nobody writes, and can be switched
 * off (WCAG 2.1.4).
 */
function listen({ search, begin, write }) {
  const single = { "?": () => openDialog("shortcuts"), "/": write };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat) return;
    const act = event.ctrlKey || event.metaKey ? chord(event) : alone(event);
    if (!act) return;
    event.preventDefault();
    act();
  });

  function chord({ key, shiftKey, altKey }) {
    if (altKey || document.querySelector("dialog[open]:not(#drawer)")) return null;
    if (key.toLowerCase() === "k" && !shiftKey) return search;
    return key.toLowerCase() === "o" && shiftKey ? begin : null;
  }

  function alone({ key, altKey, target }) {
    if (altKey || target.closest(WRITING) || document.querySelector("dialog[open]")) return null;
    return document.documentElement.dataset.keys === "off" ? null : single[key];
  }
}
