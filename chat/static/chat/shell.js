/** What stands around the chat on its own page: list, dialogs, keys. */

import { openDialog } from "./dialogs.js";
import { Menu } from "./menu.js";

const WRITING = "input, textarea, select, [contenteditable]";
const element = (id) => document.getElementById(id);

export class Shell {
  /** `open(id)` shows a conversation, with null the beginning of a new one; `write()` goes to where
   * one writes.
   */
  constructor({ open, write }) {
    this.menu = new Menu(element("menu-button"), { open });
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
  }
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
