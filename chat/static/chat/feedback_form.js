/** Why a reply was of no use: a reason and a comment, both optional. Loaded when it is first used. */

import { sendable, servesInputMethod } from "./composer.js";
import { announce, clone } from "./html.js";

export class FeedbackForm {
  /** `give({reason, comment})` resolves to a sentence if it is refused; `closed()` takes the focus. */
  constructor({ give, closed }) {
    this.give = give;
    this.closed = closed;
    this.element = clone("feedback-template");
    this.refusal = this.element.querySelector(".refusal");
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.element.querySelector(".cancel").addEventListener("click", () => this.leave());
    this.element.addEventListener("keydown", (event) => this.keyPressed(event));
  }

  open() {
    this.element.hidden = false;
    this.element.querySelector("input").focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
  }

  keyPressed(event) {
    if (event.key !== "Escape" || servesInputMethod(event)) return;
    event.preventDefault(); // else it would close the chat around it, too
    this.leave();
  }

  /** What was written stays here until the server has it. */
  async submit() {
    const { reason, comment } = this.element.elements;
    this.element.hidden = true;
    this.closed();
    announce(this.element.querySelector(".thanks").textContent);
    const given = { reason: reason.value, comment: sendable(comment.value) };
    this.refusal.textContent = (await this.give(given)) || "";
    if (this.refusal.textContent) this.open();
    else this.close();
  }

  leave() {
    this.close();
    this.closed();
  }

  close() {
    this.element.remove();
  }
}
