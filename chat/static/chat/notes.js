/** What the visitor notes with a message: feedback, and the wish to hear of an answer. It is shown at
 * once and sent until the server has it; of one kind the last word counts. Knows no DOM.
 */

import { PASSING, pauseOf } from "./delivery.js";
import { uuid7 } from "./platform.js";

export class Notes {
  /** `send(frame)` tells whether it could go out. */
  constructor({ send, onChange }) {
    this.send = send;
    this.onChange = onChange;
    this.waiting = new Map(); // by kind and message: the frame, and who is told
  }

  /** Resolves to null when the server has it; else to the sentence with which it was refused. */
  async note(conversation, { type, message: id, fields }) {
    const { feedback, notice_wanted: wanted } = conversation.messages.get(id);
    this.show(conversation, id, type === "notify" ? noticed(fields) : { feedback: given(fields) });
    const refusal = await this.tell({ type, id: uuid7(), message: id, ...fields });
    if (refusal) this.show(conversation, id, { feedback, notice_wanted: wanted });
    return refusal;
  }

  show(conversation, id, changes) {
    conversation.put({ ...conversation.messages.get(id), ...changes });
    this.onChange();
  }

  tell(frame) {
    const kind = `${frame.type} ${frame.message}`;
    this.waiting.get(kind)?.settle(null); // taken back before it was heard
    return new Promise((settle) => {
      this.waiting.set(kind, { frame, settle });
      this.send(frame);
    });
  }

  /** A new connection: what was not answered goes out again. */
  flush() {
    for (const { frame } of this.waiting.values()) this.send(frame);
  }

  done({ id }) {
    this.end(id, null);
  }

  /** Whether the refusal was of a note. */
  refused({ id, code, message, retry_ms: retryMs }) {
    const [, waiting] = this.find(id);
    if (!waiting) return false;
    if (PASSING.has(code)) setTimeout(() => this.again(id), pauseOf(retryMs));
    else this.end(id, message);
    return true;
  }

  again(id) {
    const [, waiting] = this.find(id);
    if (waiting) this.send(waiting.frame);
  }

  end(id, refusal) {
    const [kind, waiting] = this.find(id);
    if (!waiting) return;
    this.waiting.delete(kind);
    waiting.settle(refusal);
  }

  find(id) {
    return [...this.waiting].find(([, { frame }]) => frame.id === id) || [];
  }
}

function given({ value, ...said }) {
  return value === "none" ? null : { value, ...said };
}

function noticed({ wanted }) {
  return { notice_wanted: wanted };
}
