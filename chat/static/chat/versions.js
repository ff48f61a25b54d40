/** “‹ 2 / 3 ›”: the way to the other versions of a message. */

import { announce } from "./announcer.js";
import { clone } from "./html.js";

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
