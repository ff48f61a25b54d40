/** What was written and not yet accepted, in order. All pages of a visitor share it, and it
 * outlives them. Knows no DOM.
 *
 * Each entry has a key of its own in the storage, so that two pages overwrite nothing of each other.
 */

export class Outbox {
  /** What another `visitor` of the same browser wrote is neither shown nor sent. */
  constructor(storage, visitor) {
    this.storage = storage;
    this.prefix = `expertline.outbox.${visitor}.`;
    this.unkept = new Map(); // what a full storage refused: this page alone knows it
    this.reload();
  }

  /** Read what other pages have written, sent or taken back. */
  reload() {
    const keys = Array.from({ length: this.storage.length }, (_, index) => this.storage.key(index));
    const kept = keys.filter((key) => key.startsWith(this.prefix)).map((key) => this.read(key));
    const entries = [...kept.filter(Boolean), ...this.unkept.values()];
    this.entries = entries.sort((one, other) => (one.id < other.id ? -1 : 1)); // ids begin with time
  }

  /** `entry` is a `send` or `regenerate` frame with its `conversation`.
   *
   * `sent` is set while it may have arrived, `stopping` when its reply is not wanted any more, and
   * `error` is the sentence with which it was refused.
   */
  add(entry) {
    this.entries.push(entry);
    this.write(entry);
  }

  get(id) {
    return this.entries.find((entry) => entry.id === id);
  }

  of(conversation) {
    return this.entries.filter((entry) => entry.conversation === conversation);
  }

  /** The first of each conversation that may go out: a conversation takes one turn at a time.
   *
   * An edit goes before what waits behind the reply that it stops; that then continues the edit.
   */
  heads() {
    const firsts = new Map();
    for (const entry of this.unrefused) {
      const first = firsts.get(entry.conversation);
      const overtakes = entry.edits && first && !first.edits && !first.sent;
      if (!first || overtakes) firsts.set(entry.conversation, entry);
    }
    return Array.from(firsts.values());
  }

  get unrefused() {
    return this.entries.filter((entry) => !entry.error);
  }

  /** Change an entry, unless another page has removed it meanwhile. */
  note(id, changes) {
    this.reload();
    const entry = this.get(id);
    if (entry) this.write(Object.assign(entry, changes));
  }

  remove(id) {
    this.entries = this.entries.filter((entry) => entry.id !== id);
    this.unkept.delete(id);
    this.storage.removeItem(this.prefix + id);
  }

  /** The entry that a `storage` event says was removed by another page; else null. */
  removedElsewhere({ key, oldValue, newValue }) {
    if (!key?.startsWith(this.prefix) || newValue !== null) return null;
    return parsed(oldValue);
  }

  read(key) {
    return parsed(this.storage.getItem(key));
  }

  write(entry) {
    try {
      this.storage.setItem(this.prefix + entry.id, JSON.stringify(entry));
      this.unkept.delete(entry.id);
    } catch (error) {
      this.unkept.set(entry.id, entry);
    }
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    return null; // not ours
  }
}
