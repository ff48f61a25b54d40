/** Where the visitor writes. The draft outlives a reload. */

const DRAFT = "expertline.draft";
const KEY_OF_AN_INPUT_METHOD = 229;

export class Composer {
  /** `ask(text)` sends, or says false; `fits(text)` tells whether it can be sent, `stop()` ends the reply,
   * `editLast()` begins to write the last question anew. */
  constructor(form, storage, { ask, fits, stop, editLast }) {
    this.form = form;
    this.draft = new Draft(storage, DRAFT);
    this.ask = ask;
    this.fits = fits;
    this.editLast = editLast;
    this.input = form.querySelector("textarea");
    this.stopButton = form.querySelector(".stop");
    this.tooLong = form.querySelector(".too-long");
    this.input.value ||= this.draft.text || ""; // somebody may have begun before the script
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
    const byKeyboard = this.stopButton.matches(":focus-visible");
    this.stopButton.hidden = !client.running || client.stopping;
    if (byKeyboard && this.stopButton.hidden) this.input.focus();
  }

  edited() {
    const { input } = this;
    this.draft.keep(input.value);
    this.tooLong.hidden = this.fits(sendable(input.value));
    input.setAttribute("aria-invalid", String(!this.tooLong.hidden));
    input.style.height = "auto"; // so that it can shrink too
    input.style.height = `${input.scrollHeight}px`;
  }

  /** Have it there to be sent. */
  offer(text) {
    this.input.value = text;
    this.edited();
  }

  /** Enter sends, but the Enter that chooses a word in an input method does not. */
  keyPressed(event) {
    if (servesInputMethod(event) || event.shiftKey) return;
    if (event.key === "ArrowUp" && !this.input.value && this.editLast()) event.preventDefault();
    if (event.key !== "Enter") return;
    event.preventDefault();
    this.submit();
  }

  submit() {
    const text = sendable(this.input.value);
    if (!text || !this.fits(text)) {
      this.input.focus();
      return;
    }
    if (this.ask(text) === false) return; // not yet: it stays to be sent
    this.input.value = "";
    this.edited();
  }
}

/** A text that is not sent yet. */
export class Draft {
  constructor(storage, name) {
    this.storage = storage;
    this.name = name;
  }

  /** Null where there is none. */
  get text() {
    return this.storage.getItem(this.name);
  }

  keep(text) {
    try {
      this.storage.setItem(this.name, text);
    } catch (error) {
      // full: the draft lasts as long as the page
    }
  }

  drop() {
    this.storage.removeItem(this.name);
  }
}

/** Whether a key chooses, or sends away, what an input method offers. Safari's last one comes when
 * nothing is composed any more. */
export function servesInputMethod(event) {
  return event.isComposing || event.keyCode === KEY_OF_AN_INPUT_METHOD;
}

/** Without what the server refuses: NUL and halves of surrogate pairs. */
export function sendable(text) {
  return text.replace(/[\0\p{Surrogate}]/gu, "").trim();
}
