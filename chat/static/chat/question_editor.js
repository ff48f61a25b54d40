/** A question that is being written anew, in its own place. Loaded with the first edit. */

import { Draft, sendable, servesInputMethod } from "./composer.js";
import { clone } from "./html.js";
import { storageOf } from "./platform.js";

const storage = storageOf("sessionStorage");

export class QuestionEditor {
  /** `fits(text)` tells whether it can be sent; `send(text)` and `cancel()` end the editing. Until then
   * what is written outlives the page. */
  constructor({ id, text }, { fits, send, cancel }) {
    this.fits = fits;
    this.send = send;
    this.cancel = cancel;
    this.draft = new Draft(storage, `expertline.edit.${id}`);
    this.element = clone("editor-template");
    this.input = this.element.querySelector("textarea");
    this.tooLong = this.element.querySelector(".too-long");
    this.input.value = this.draft.text ?? text;
    this.input.addEventListener("input", () => this.edited());
    this.element.addEventListener("keydown", (event) => this.keyPressed(event));
    this.element.querySelector(".cancel").addEventListener("click", cancel);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  open() {
    this.fit();
    this.focus();
  }

  close() {
    this.draft.drop();
    this.element.remove();
  }

  focus() {
    this.input.focus();
    this.input.setSelectionRange(this.input.value.length, this.input.value.length);
  }

  edited() {
    this.draft.keep(this.input.value);
    this.fit();
  }

  fit() {
    this.tooLong.hidden = this.fits(sendable(this.input.value));
    this.input.setAttribute("aria-invalid", String(!this.tooLong.hidden));
    this.input.style.height = "auto"; // so that it can shrink too
    this.input.style.height = `${this.input.scrollHeight}px`;
  }

  keyPressed(event) {
    const cancels = event.key === "Escape";
    const submits = event.key === "Enter" && !event.shiftKey && event.target === this.input;
    if (servesInputMethod(event) || !(cancels || submits)) return;
    event.preventDefault(); // else Escape would close the chat around it, too
    if (cancels) this.cancel();
    else this.submit();
  }

  submit() {
    const text = sendable(this.input.value);
    if (text && this.fits(text)) this.send(text);
    else this.input.focus();
  }
}
