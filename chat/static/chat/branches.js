/** Which of several siblings the visitor wants to see. A tab keeps it over a reload. Knows no DOM. */

export class Branches {
  constructor(storage, conversation) {
    this.storage = storage;
    this.name = `expertline.branches.${conversation}`;
    this.choices = read(storage.getItem(this.name));
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

function read(text) {
  try {
    return new Map(JSON.parse(text));
  } catch (error) {
    return new Map(); // not ours
  }
}
