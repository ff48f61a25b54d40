/** Under a reply that no expert's answer was found for: the offer to tell when there is one. */

import { clone, showOnly } from "./html.js";

export class NoAnswer {
  /** `note` keeps the wish with the message. */
  constructor({ note }) {
    this.message = null;
    this.element = clone("no-answer-template");
    this.toggle = this.element.querySelector("[role=switch]");
    this.toggle.addEventListener("click", () => {
      note("notify", this.message.id, { wanted: !this.message.notice_wanted });
    });
  }

  update(message) {
    this.message = message;
    const wanted = Boolean(message.notice_wanted);
    this.toggle.setAttribute("aria-checked", String(wanted));
    showOnly(this.element, "wanted", String(wanted));
  }
}
