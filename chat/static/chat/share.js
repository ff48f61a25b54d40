/** The dialog of a conversation's read-only link. */

import { showOnly } from "./html.js";
import { change } from "./server.js";

const dialog = document.getElementById("share");
const field = dialog.querySelector(".link");
const acts = { make, copy, stop };
let shared = null;

/** `last` names the message that the copy ends with, null for the newest. `changed()` is called when
 * there is a link, and when there is none any more.
 */
export function openShare(entry, { last, changed }) {
  shared = { address: `/api/conversations/${entry.id}/share`, last, changed };
  show(entry.shared);
  say("");
  dialog.showModal();
}

dialog.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-act]");
  if (!button) return;
  try {
    await acts[button.dataset.act]();
  } catch (error) {
    say("failed"); // no network, or the server cannot do it now
  }
});

async function make() {
  const { url } = await change("POST", shared.address, { last: shared.last });
  show(url);
  say("current");
  dialog.querySelector("[data-act=copy]").focus();
  shared.changed();
}

async function stop() {
  await change("DELETE", shared.address);
  show(null);
  say("stopped");
  dialog.querySelector("[data-act=make]").focus();
  shared.changed();
}

/** Browsers lend no clipboard to pages over plain HTTP. */
async function copy() {
  field.select();
  if (!navigator.clipboard) {
    say("select");
    return;
  }
  await navigator.clipboard.writeText(field.value);
  say("copied");
}

function show(url) {
  field.value = url || "";
  showOnly(dialog, "shared", url ? "yes" : "no");
}

function say(what) {
  showOnly(dialog, "said", what);
}
