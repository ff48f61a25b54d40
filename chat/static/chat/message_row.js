/** What stands under questions and replies alike: other versions, the time, a way to copy. */

import { announce, clone } from "./html.js";

const { lang } = document.documentElement;
const timeOnly = new Intl.DateTimeFormat(lang, { timeStyle: "short" });
const dayAndTime = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });

/** “‹ 2 / 3 ›”: the way to the other versions of a message. */
export class Versions {
  /** `flip(steps)` shows another version. */
  constructor(flip) {
    this.flip = flip;
    this.element = null;
    this.shown = "";
  }

  /** Into `place` when there is something to choose; `position` counts from 1. */
  update(place, { position, total }) {
    const shown = `${position} ${total}`;
    if (shown === this.shown) return;
    this.shown = shown;
    if (total > 1 && !this.element) place.prepend(this.build());
    if (!this.element) return;
    this.element.hidden = total < 2;
    for (const each of this.element.querySelectorAll(".position")) each.textContent = position;
    for (const each of this.element.querySelectorAll(".total")) each.textContent = total;
    this.able(".older", position > 1);
    this.able(".newer", position < total);
  }

  build() {
    this.element = clone("versions-template");
    for (const [name, steps] of [
      ["older", -1],
      ["newer", 1],
    ]) {
      this.element.querySelector(`.${name}`).addEventListener("click", () => this.flip(steps));
    }
    return this.element;
  }

  /** Not `disabled`: whoever has come to the last version keeps the focus. */
  able(button, able) {
    this.element.querySelector(button).setAttribute("aria-disabled", String(!able));
  }

  announce() {
    announce(this.element.querySelector(".unseen").textContent);
  }
}

/** When something was said, as the page's language writes it. */
export function showTime(element, at) {
  element.hidden = !at;
  if (!at || element.dateTime === at) return;
  const moment = new Date(at);
  const today = moment.toDateString() === new Date().toDateString();
  element.dateTime = at;
  element.textContent = (today ? timeOnly : dayAndTime).format(moment);
}

/** Whether `text` is in the clipboard now. To pages over plain HTTP it opens only the old way. */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (error) {
    return copiedFromField(text); // forbidden, or not there
  }
}

function copiedFromField(text) {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return done;
}
