/** What screen readers hear of a reply while it is written: finished sentences and blocks, each once. */

import { announce } from "./announcer.js";
import { plain } from "./plain.js";

const SENTENCE = /[。！？!?…][”’」』）)"']*|\.(?=\s)|\n/g;

export class Narration {
  constructor() {
    this.said = 0; // characters of the text
  }

  /** A finished block; if none of it has been said, it is better read from what it became. */
  block({ start, end }, text, rendered) {
    if (end <= this.said) return;
    announce(start >= this.said ? rendered : plain(text.slice(this.said, end)));
    this.said = end;
  }

  /** The rest, as far as its sentences are finished. */
  follow(text) {
    this.said = Math.min(this.said, text.length); // some may have been taken back
    const begun = text.slice(this.said);
    const last = [...begun.matchAll(SENTENCE)].pop();
    if (!last) return;
    const finished = last.index + last[0].length;
    announce(plain(begun.slice(0, finished)));
    this.said += finished;
  }
}
