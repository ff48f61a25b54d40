/** One message of the visitor's on the page, and where it is while it is not accepted. */

import { announce, clone, isShown, languageOf, showOnly } from "./html.js";
import { Versions, showTime } from "./message_row.js";
import { wanted } from "./platform.js";

/** What becomes of a message, as far as it is news; most are sent at once. */
const NEWS = new Set(["waiting", "queued", "held", "refused"]);

export class QuestionView {
  /** `actions` are the transcript's. */
  constructor(actions) {
    this.actions = actions;
    this.element = clone("question-template");
    this.text = this.part("question-text").firstElementChild;
    this.refusal = this.part("refusal");
    this.row = this.part("message-actions");
    this.entry = null;
    this.message = null;
    this.editor = null;
    this.versions = new Versions((steps) => actions.flip(this.message, steps));
    this.part("withdraw").addEventListener("click", () => actions.withdraw(this.entry.id));
    this.part("resend").addEventListener("click", () => actions.resend(this.entry));
    this.part("edit").addEventListener("click", () => this.edit());
  }

  part(name) {
    return this.element.querySelector(`.${name}`);
  }

  /** A message that is stored; `versions` says which of its siblings it is. */
  update(message, { versions }) {
    this.draw(message, null, "accepted");
    this.versions.update(this.row, versions);
    showTime(this.part("at"), message.at);
  }

  /** An `entry` of the outbox, and its `state` of delivery. */
  updatePending(entry, state) {
    this.draw(entry, entry, (entry.error && "refused") || state);
  }

  draw(message, entry, state) {
    this.message = message;
    this.entry = entry;
    if (this.text.textContent !== message.text) {
      this.text.textContent = message.text;
      this.text.lang = languageOf(message.text);
    }
    this.refusal.textContent = entry?.error || "";
    if (this.element.dataset.state === state) return;
    this.element.dataset.state = state;
    this.row.hidden = state !== "accepted";
    const focused = document.activeElement;
    const mine = this.element.contains(focused);
    showOnly(this.element, "delivery", state);
    if (mine && !isShown(focused)) this.element.focus({ preventScroll: true });
    const said = this.element.querySelector("[data-delivery]:not([hidden])");
    if (NEWS.has(state)) announce(said.textContent);
  }

  /** Write it anew, in its place; the old one stays until that is sent. */
  async edit() {
    const { QuestionEditor } = await wanted(() => import("./question_editor.js"));
    if (this.editor) {
      this.editor.focus();
      return;
    }
    this.editor = new QuestionEditor(this.message, {
      fits: (text) => this.actions.fits(text),
      send: (text) => this.send(text),
      cancel: () => this.endEdit(),
    });
    this.element.append(this.editor.element);
    this.element.classList.add("edited");
    this.editor.open();
  }

  /** What cannot be sent now stays where it is written. */
  send(text) {
    if (this.actions.edit(this.message, text) !== false) this.endEdit();
  }

  endEdit() {
    this.editor.close();
    this.editor = null;
    this.element.classList.remove("edited");
    this.part("edit").focus();
  }
}
