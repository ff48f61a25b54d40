/** What the browser keeps for this page: "localStorage" for all pages, "sessionStorage" for a tab. */
export function storageOf(kind) {
  try {
    const storage = window[kind];
    storage.setItem("expertline.test", "");
    storage.removeItem("expertline.test");
    return storage;
  } catch (error) {
    return new Forgetful(); // forbidden or full
  }
}

/** The part of the browser's Storage that the page uses; gone at the next load. */
class Forgetful {
  constructor() {
    this.values = new Map();
  }

  get length() {
    return this.values.size;
  }

  key(index) {
    return Array.from(this.values.keys())[index];
  }

  getItem(key) {
    return this.values.get(key) ?? null;
  }

  setItem(key, value) {
    this.values.set(key, value);
  }

  removeItem(key) {
    this.values.delete(key);
  }
}
