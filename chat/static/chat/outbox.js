/** What was written and not yet accepted, in order. Outlives a reload of the page. Knows no DOM. */

const KEY = "expertline.outbox";

export class Outbox {
  constructor(storage) {
    this.storage = storage;
    this.entries = JSON.parse(storage.getItem(KEY) || "[]");
  }

  /** `entry` is a `send` or `regenerate` frame with its `conversation`; `error` is set if refused. */
  add(entry) {
    this.entries.push(entry);
    this.save();
  }

  get(id) {
    return this.entries.find((entry) => entry.id === id);
  }

  of(conversation) {
    return this.entries.filter((entry) => entry.conversation === conversation);
  }

  /** The first of each conversation that may go out: a conversation takes one turn at a time. */
  heads() {
    const firsts = new Map();
    for (const entry of this.entries) {
      if (!entry.error && !firsts.has(entry.conversation)) firsts.set(entry.conversation, entry);
    }
    return Array.from(firsts.values());
  }

  refuse(id, error) {
    this.get(id).error = error;
    this.save();
  }

  remove(id) {
    this.entries = this.entries.filter((entry) => entry.id !== id);
    this.save();
  }

  save() {
    this.storage.setItem(KEY, JSON.stringify(this.entries));
  }
}
