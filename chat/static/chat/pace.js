/** How much of a growing text is shown: what comes in lumps appears evenly, a few frames later. */

const FRAMES = 6;
/** More than this at once is no stream but something that was missed; nobody should wait for it. */
const BURST_CHARACTERS = 400;
const still = matchMedia("(prefers-reduced-motion: reduce)");

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
