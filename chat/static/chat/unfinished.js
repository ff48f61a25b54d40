/** A reply while it is written: how much of it is shown, how it looks, and what of it is heard. */

import { announce, languageOf } from "./html.js";

const FRAMES = 6;
/** More than this at once is no stream but something that was missed; nobody should wait for it. */
const BURST_CHARACTERS = 400;
const still = matchMedia("(prefers-reduced-motion: reduce)");
/** What will be an item of a list stands where the item will stand. */
const ITEM = /^\s*(?:•|\d{1,3}[.)])\s/;
const SENTENCE = /[。！？!?…][”’」』）)"']*|\.(?=\s)|\n/g;
const MARKS = /\*\*|__|~~|`|[*_`#]+$/g;
const HEADING = /^(?:#{1,6}|>)[ \t]+/gm;
const BULLET = /^([ \t]*)[-*+][ \t]+/gm;
const LINK = /\[([^\]\n]*)\]\([^)\s]*\)/g;

/** The unfinished end of a reply, line by line: only lines that have changed are touched. */
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

/** How much of a growing text is shown: what comes in lumps appears evenly, a few frames later. */
export class Pace {
  constructor() {
    this.shown = 0;
  }

  /** The text as far as it is to be seen in this frame. */
  of(text) {
    const left = text.length - this.shown;
    if (left < 0 || left > BURST_CHARACTERS || still.matches) this.shown = text.length;
    else this.shown += Math.ceil(left / FRAMES);
    if (/[\uD800-\uDBFF]/.test(text[this.shown - 1] || "")) this.shown += 1; // no half characters
    return text.slice(0, this.shown);
  }
}

/** What screen readers hear of a reply while it is written: finished sentences and blocks, each once. */
export class Narration {
  constructor() {
    this.said = 0; // characters of the text
  }

  /** A finished block; if none of it has been said, it is better read from what it became. */
  block({ start, end }, text, rendered) {
    if (end <= this.said) return;
    const unsaid = start >= this.said ? rendered : plain(text.slice(this.said, end));
    announce(unsaid, languageOf(text));
    this.said = end;
  }

  /** The rest, as far as its sentences are finished. */
  follow(text) {
    this.said = Math.min(this.said, text.length); // some may have been taken back
    const begun = text.slice(this.said);
    const last = [...begun.matchAll(SENTENCE)].pop();
    if (!last) return;
    const finished = last.index + last[0].length;
    announce(plain(begun.slice(0, finished)), languageOf(text));
    this.said += finished;
  }
}

/** Markdown that nobody has rendered yet, without the marks that will go away: what is read before
 * its block is finished should neither show them nor jump. Only ever text, never HTML.
 */
function plain(markdown) {
  const lines = markdown.replace(HEADING, "").replace(BULLET, "$1• ");
  return lines.replace(LINK, "$1").replace(MARKS, "");
}
