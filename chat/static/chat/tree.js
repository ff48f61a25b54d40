/** A conversation's messages as the tree that they are: siblings are versions of each other, and one
 * way through them is shown. Knows no DOM.
 */

const ROOT = "";

export class Tree {
  /** `messages` by id. Of a long conversation the beginning may be missing. */
  constructor(messages) {
    this.messages = messages;
    this.children = new Map(); // of each parent, the oldest first
    this.latest = new Map(); // by id: the highest revision in what the message began
    const oldestFirst = Array.from(messages.values()).sort((one, other) => one.rev - other.rev);
    for (const message of oldestFirst) this.add(message);
    for (const message of oldestFirst.reverse()) this.raise(message);
  }

  add(message) {
    const key = keyOf(message);
    if (!this.children.has(key)) this.children.set(key, []);
    this.children.get(key).push(message);
  }

  raise({ id, rev }) {
    let above = this.messages.get(id);
    while (above && !(this.latest.get(above.id) >= rev)) {
      this.latest.set(above.id, rev);
      above = this.messages.get(above.parent);
    }
  }

  siblings(message) {
    return this.children.get(keyOf(message)) || [];
  }

  /** From the first message known to the last: where nothing was chosen, the way of the latest. */
  path(branches) {
    const all = Array.from(this.messages.values());
    const first = this.newest(all.filter(({ parent }) => !this.messages.has(parent)));
    const path = [];
    let next = first && this.shown(keyOf(first), branches);
    while (next) {
      path.push(next);
      next = this.shown(next.id, branches);
    }
    return path;
  }

  shown(key, branches) {
    const siblings = this.children.get(key) || [];
    const chosen = branches.chosen(key);
    return siblings.find(({ id }) => id === chosen) || this.newest(siblings);
  }

  newest(messages) {
    return messages.reduce((best, message) => {
      return best && this.outlasts(best, message) ? best : message;
    }, undefined);
  }

  /** An answer that came late has the revision of the reply beside it: it does not hide what was
   * said after that. */
  outlasts(one, other) {
    const lead = this.latest.get(one.id) - this.latest.get(other.id);
    return lead > 0 || (lead === 0 && this.children.has(one.id) && !this.children.has(other.id));
  }
}

/** Under which name its siblings are found, also where the parent itself is not known. */
export function keyOf({ parent }) {
  return parent || ROOT;
}

/** Which of several siblings the visitor wants to see. A tab keeps it over a reload. */
export class Branches {
  constructor(storage, conversation) {
    this.storage = storage;
    this.name = `expertline.branches.${conversation}`;
    this.choices = choicesIn(storage.getItem(this.name));
  }

  /** The id that was chosen below this parent. */
  chosen(parent) {
    return this.choices.get(parent);
  }

  choose(parent, id) {
    this.choices.set(parent, id);
    this.keep();
  }

  forget(parent) {
    if (this.choices.delete(parent)) this.keep();
  }

  keep() {
    try {
      this.storage.setItem(this.name, JSON.stringify([...this.choices]));
    } catch (error) {
      // full: the choice lasts as long as the page
    }
  }
}

function choicesIn(text) {
  try {
    return new Map(JSON.parse(text));
  } catch (error) {
    return new Map(); // not ours
  }
}
