/** One message of the visitor's on the page, and where it is while it is not accepted. */

import { clone, languageOf, showOnly } from "./html.js";

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

  /** `entry` of the outbox while the message is not accepted; `state`: waiting, queued, sending. */
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
  }
}
