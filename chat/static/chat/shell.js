/** What stands around the chat on its own page: list, dialogs, keys. */

import "./dialogs.js";
import { Menu } from "./menu.js";
import { listen } from "./shortcuts.js";

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
