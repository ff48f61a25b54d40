/** The unfinished end of a reply, line by line: only lines that have changed are touched. */

import { plain } from "./plain.js";

/** What will be an item of a list stands where the item will stand. */
const ITEM = /^\s*(?:•|\d{1,3}[.)])\s/;

export class Tail {
  constructor(element) {
    this.element = element;
  }

  show(markdown) {
    const lines = plain(markdown.trim()).split("\n").filter(Boolean);
    while (this.element.childElementCount > lines.length) this.element.lastChild.remove();
    lines.forEach((line, index) => this.showLine(line, this.element.children[index]));
  }

  showLine(text, there) {
    const line = there || this.element.appendChild(document.createElement("span"));
    if (line.textContent === text) return;
    line.textContent = text;
    line.className = ITEM.test(text) ? "item" : "";
  }
}
