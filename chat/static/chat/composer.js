/** Where the visitor writes. The draft outlives a reload. */

const DRAFT = "expertline.draft";
const ENTER_OF_AN_INPUT_METHOD = 229;

export class Composer {
  /** `ask(text)` sends, `fits(text)` tells whether it can be sent, `stop()` ends the reply. */
  constructor(form, storage, { ask, fits, stop }) {
    this.form = form;
    this.storage = storage;
    this.ask = ask;
    this.fits = fits;
    this.input = form.querySelector("textarea");
    this.stopButton = form.querySelector(".stop");
    this.tooLong = form.querySelector(".too-long");
    this.input.value = storage.getItem(DRAFT) || "";
    this.input.addEventListener("input", () => this.edited());
    this.input.addEventListener("keydown", (event) => this.keyPressed(event));
    this.stopButton.addEventListener("click", (event) => {
      stop();
      const byKeyboard = event.detail === 0;
      if (byKeyboard) this.input.focus(); // the button goes away; on a phone the keys would come up
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.edited();
  }

  draw(client) {
    this.stopButton.hidden = !client.running || client.stopping;
  }

  edited() {
    const { input } = this;
    this.keepDraft(input.value);
    this.tooLong.hidden = this.fits(sendable(input.value));
    input.setAttribute("aria-invalid", String(!this.tooLong.hidden));
    input.style.height = "auto"; // so that it can shrink too
    input.style.height = `${input.scrollHeight}px`;
  }

  keepDraft(text) {
    try {
      this.storage.setItem(DRAFT, text);
    } catch (error) {
      // full: the draft lasts as long as the page
    }
  }

  /** Enter sends, but the Enter that chooses a word in an input method does not. */
  keyPressed(event) {
    const composing = event.isComposing || event.keyCode === ENTER_OF_AN_INPUT_METHOD;
    if (event.key !== "Enter" || event.shiftKey || composing) return;
    event.preventDefault();
    this.submit();
  }

  submit() {
    const text = sendable(this.input.value);
    if (!text || !this.fits(text)) {
      this.input.focus();
      return;
    }
    this.input.value = "";
    this.edited();
    this.ask(text);
  }
}

/** Without what the server refuses: NUL and halves of surrogate pairs. */
function sendable(text) {
  return text.replace(/[\0\p{Surrogate}]/gu, "").trim();
}
