/** Dialogs of the page: whatever has `data-dialog` opens the one of that id. What a dialog does
 * besides is loaded when it is first opened.
 */

import { wanted } from "./platform.js";

const PREPARING = {
  settings: () => wanted(() => import("./settings.js")),
};

export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog.open) return true;
  if (!dialog.showModal) return false; // an old browser: the link leads to it
  dialog.showModal();
  PREPARING[id]?.().then(({ prepare }) => prepare(dialog));
  return true;
}

/** It was asked for by its address, before there was a script. */
const asked = document.querySelector("dialog:target");
if (asked) openDialog(asked.id);
document.addEventListener(
  "close",
  ({ target }) => {
    if (target.matches(":target")) location.replace("#");
  },
  true, // it does not bubble
);

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    if (openDialog(opener.dataset.dialog)) event.preventDefault();
  } else if (event.target.matches("dialog[open]")) {
    event.target.close(); // beside what is in it
  }
});
