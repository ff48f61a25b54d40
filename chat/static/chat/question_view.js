/** One message of the visitor's on the page, and where it is while it is not accepted. */

import { announce } from "./announcer.js";
import { clone, languageOf, showOnly } from "./html.js";

/** What becomes of a message, as far as it is news; most are sent at once. */
const NEWS = new Set(["waiting", "queued", "held", "refused"]);

export class QuestionView {
  /** `actions` are `withdraw(id)` and `resend(entry)`. */
  constructor(actions) {
    this.element = clone("question-template");
    this.text = this.element.querySelector(".question-text");
    this.refusal = this.element.querySelector(".refusal");
    this.entry = null;
    this.element
      .querySelector(".withdraw")
      .addEventListener("click", () => actions.withdraw(this.entry.id));
    this.element
      .querySelector(".resend")
      .addEventListener("click", () => actions.resend(this.entry));
  }

  /** `entry` of the outbox while the message is not accepted, and its `state` of delivery. */
  update(message, entry, state) {
    this.entry = entry;
    if (this.text.textContent !== message.text) {
      this.text.textContent = message.text;
      this.text.lang = languageOf(message.text);
    }
    this.refusal.textContent = entry?.error || "";
    const shown = entry ? (entry.error && "refused") || state : "accepted";
    if (this.element.dataset.state === shown) return;
    this.element.dataset.state = shown;
    showOnly(this.element, "delivery", shown);
    const said = this.element.querySelector("[data-delivery]:not([hidden])");
    if (NEWS.has(shown)) announce(said.textContent);
  }
}
