/** A question that is being written anew, in its own place. Loaded with the first edit. */

import { ENTER_OF_AN_INPUT_METHOD, sendable } from "./composer.js";
import { clone } from "./html.js";

export class QuestionEditor {
  /** `fits(text)` tells whether it can be sent; `send(text)` and `cancel()` end the editing. */
  constructor(text, { fits, send, cancel }) {
    this.fits = fits;
    this.send = send;
    this.cancel = cancel;
    this.element = clone("editor-template");
    this.input = this.element.querySelector("textarea");
    this.tooLong = this.element.querySelector(".too-long");
    this.input.value = text;
    this.input.addEventListener("input", () => this.edited());
    this.input.addEventListener("keydown", (event) => this.keyPressed(event));
    this.element.querySelector(".cancel").addEventListener("click", cancel);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  open() {
    this.edited();
    this.focus();
  }

  focus() {
    this.input.focus();
    this.input.setSelectionRange(this.input.value.length, this.input.value.length);
  }

  edited() {
    this.tooLong.hidden = this.fits(sendable(this.input.value));
    this.input.setAttribute("aria-invalid", String(!this.tooLong.hidden));
    this.input.style.height = "auto"; // so that it can shrink too
    this.input.style.height = `${this.input.scrollHeight}px`;
  }

  keyPressed(event) {
    if (event.isComposing || event.keyCode === ENTER_OF_AN_INPUT_METHOD) return;
    if (event.key === "Escape") this.cancel();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    this.submit();
  }

  submit() {
    const text = sendable(this.input.value);
    if (text && this.fits(text)) this.send(text);
    else this.input.focus();
  }
}
