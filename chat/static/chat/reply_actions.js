/** The quiet row under a finished reply: versions, copy, feedback, another reply, the time. */

import { announce, clone } from "./html.js";
import { Versions, copied, showTime } from "./message_row.js";
import { wanted } from "./platform.js";

const COPIED_MS = 2500;

export class ReplyActions {
  /** `actions` are the transcript's. */
  constructor(actions) {
    this.actions = actions;
    this.message = null;
    this.form = null;
    this.element = clone("reply-actions-template");
    this.versions = new Versions((steps) => actions.flip(this.message, steps));
    this.thumbs = [this.part("up"), this.part("down")];
    this.part("copy").addEventListener("click", () => this.copy());
    this.part("regenerate").addEventListener("click", () => actions.askAgain(this.message.id));
    for (const thumb of this.thumbs) {
      thumb.addEventListener("click", () => this.judge(thumb));
    }
  }

  part(name) {
    return this.element.querySelector(`.${name}`);
  }

  update(message, versions) {
    this.message = message;
    this.versions.update(this.element, versions);
    for (const thumb of this.thumbs) {
      const pressed = message.feedback?.value === thumb.dataset.value;
      thumb.setAttribute("aria-pressed", String(pressed));
    }
    showTime(this.part("at"), message.at);
  }

  async copy() {
    const outcome = (await copied(this.message.text)) ? "copied" : "not-copied";
    const said = this.part(outcome);
    said.hidden = false;
    announce(said.textContent);
    setTimeout(() => {
      said.hidden = true;
    }, COPIED_MS);
  }

  /** A thumb that is pressed again is taken back. */
  judge(thumb) {
    const { value } = thumb.dataset;
    const pressed = this.message.feedback?.value === value;
    this.form?.close();
    this.give({ value: pressed ? "none" : value, reason: "", comment: "" });
    if (!pressed && value === "down") this.askWhy();
  }

  give(feedback) {
    return this.actions.note("feedback", this.message.id, feedback);
  }

  async askWhy() {
    const { FeedbackForm } = await wanted(() => import("./feedback_form.js"));
    this.form = new FeedbackForm({
      give: (feedback) => this.give({ value: "down", ...feedback }),
      closed: () => this.part("down").focus(),
    });
    this.element.after(this.form.element);
    this.form.open();
  }
}
