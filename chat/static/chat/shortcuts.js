/** Keys for those who like them. Single ones hold only while nobody writes, and can be switched
 * off (WCAG 2.1.4).
 */

import { openDialog } from "./dialogs.js";

const WRITING = "input, textarea, select, [contenteditable]";

/** `actions` are `search()`, `begin()` and `write()`. */
export function listen({ search, begin, write }) {
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
