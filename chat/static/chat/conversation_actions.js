/** What can be done with a conversation of the list: rename, share, save, print, delete. */

import { servesInputMethod } from "./composer.js";
import { clone } from "./html.js";
import { change } from "./server.js";

const UNDO_MS = 10_000;
const dialog = document.getElementById("actions");
const acts = { rename, share, print, delete: remove };
let chosen = null;

/** Ask what to do with an `entry` of the `list`, beside the `button` that was pressed. */
export function openActions(list, entry, button) {
  chosen = { list, entry };
  const address = addressOf(entry);
  const last = list.lastShown(entry.id);
  dialog.querySelector("h2").textContent = entry.title;
  for (const link of dialog.querySelectorAll("[data-export]")) {
    link.href = `${address}/${link.dataset.export}${last ? `&last=${last}` : ""}`;
  }
  const branch = last ? `?last=${last}` : "";
  dialog.querySelector("[data-act=print]").href = `/c/${entry.id}/print${branch}`;
  dialog.showModal();
  placeBeside(button);
}

/** On a small screen the style sheet puts it at the lower edge. */
function placeBeside(button) {
  const { top } = button.getBoundingClientRect();
  const lowest = window.innerHeight - dialog.offsetHeight - 8;
  dialog.style.top = `${Math.max(8, Math.min(top, lowest))}px`;
}

dialog.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-act], [data-export]");
  if (!choice) return;
  dialog.close();
  acts[choice.dataset.act]?.(chosen);
});

function addressOf({ id }) {
  return `/api/conversations/${id}`;
}

function print() {} // a link

function share({ list, entry }) {
  list.attempt(async () => {
    const { openShare } = await import("./share.js");
    openShare(entry, { last: list.lastShown(entry.id), changed: () => list.refresh() });
  });
}

/** In place: Enter or leaving the field keeps the new name, Escape the old one. */
function rename({ list, entry }) {
  const link = list.linkOf(entry.id);
  const form = clone("rename-template");
  const input = form.querySelector("input");
  input.value = entry.title;
  link.parentElement.classList.add("renaming");
  link.after(form);
  input.select();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    finish(input.value.trim());
  });
  form.addEventListener("focusout", ({ relatedTarget }) => {
    if (!form.contains(relatedTarget)) finish(input.value.trim());
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || servesInputMethod(event)) return;
    event.preventDefault(); // the panel stays
    finish(entry.title);
  });

  async function finish(title) {
    if (!form.isConnected || form.dataset.done) return;
    form.dataset.done = "yes";
    const focused = form.contains(document.activeElement);
    link.parentElement.classList.remove("renaming");
    form.remove();
    if (focused) link.focus();
    if (!title || title === entry.title) return;
    link.firstElementChild.textContent = title;
    await list.attempt(() => change("PATCH", addressOf(entry), { title }));
    list.refresh();
  }
}

async function remove({ list, entry }) {
  const neighbour = neighbourOf(list.linkOf(entry.id));
  if (!(await list.attempt(() => change("DELETE", addressOf(entry))))) return;
  const open = location.pathname === `/c/${entry.id}`;
  list.entries.delete(entry.id);
  list.draw();
  if (open) list.open(null);
  offerUndo(list, { entry, open, neighbour });
}

/** The toast goes after a while, but never from under a keyboard or a mouse. */
function offerUndo(list, { entry, open, neighbour }) {
  const toast = list.nav.querySelector("[data-toast]");
  const undo = toast.querySelector(".undo");
  toast.hidden = false;
  undo.onclick = restore;
  undo.focus();
  clearTimeout(toast.timer);
  toast.timer = setTimeout(leave, UNDO_MS);

  function leave() {
    if (toast.matches(":hover") || undo.matches(":focus-visible")) {
      toast.timer = setTimeout(leave, UNDO_MS);
      return;
    }
    hide();
  }

  function hide() {
    clearTimeout(toast.timer);
    const focused = toast.contains(document.activeElement);
    toast.hidden = true;
    if (focused) (neighbour?.isConnected ? neighbour : list.input).focus({ preventScroll: true });
  }

  async function restore() {
    if (!(await list.attempt(() => change("POST", `${addressOf(entry)}/restore`)))) return;
    hide();
    await list.refresh();
    if (open) list.open(entry.id);
    list.linkOf(entry.id)?.focus();
  }
}

/** The link below, else the one above. */
function neighbourOf(link) {
  const links = Array.from(link.closest(".conversations").querySelectorAll("a"));
  const place = links.indexOf(link);
  return links[place + 1] || links[place - 1];
}
