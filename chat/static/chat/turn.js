/** A reply while it is written: its text, its finished blocks, and how far they go. Knows no DOM. */

export class Turn {
  constructor({ id, message }) {
    this.id = id;
    this.message = message;
    this.stopping = false;
    this.gaps = 0; // since a frame was last applied
    this.forget();
  }

  /** Back to the beginning. */
  forget() {
    this.cursor = "0-0";
    this.text = "";
    this.blocks = [];
    this.phase = "sent";
  }

  /** "applied"; "old" for what is known already; "gap" when something before it is missing. */
  take(frame) {
    if (!isAfter(frame.cursor, this.cursor)) return "old";
    if (frame.type !== "snapshot" && frame.after !== this.cursor) return "gap";
    this.cursor = frame.cursor;
    if (frame.type === "text") this.write(frame.text);
    if (frame.type === "event") this.follow(frame.event);
    if (frame.type === "snapshot") {
      this.text = frame.text;
      this.blocks = [...frame.blocks];
      if (frame.text) this.phase = "writing";
    }
    return "applied";
  }

  write(text) {
    this.text += text;
    this.phase = "writing";
  }

  follow(event) {
    if (event.kind === "block") {
      this.blocks.push(event);
    } else if (event.kind === "restarted") {
      this.text = this.text.slice(0, event.keep);
      this.blocks = this.blocks.filter((block) => block.end <= event.keep);
      this.phase = "restarted";
    } else if (event.kind === "found") {
      this.phase = event.hits ? "found" : "searching";
    } else {
      this.phase = event.kind; // started, searching, notice, or one of a later protocol
    }
  }
}

/** Cursors `<attempt>-<n>` compare as pairs of numbers. */
function isAfter(cursor, other) {
  const [attempt, n] = cursor.split("-").map(Number);
  const [otherAttempt, otherN] = other.split("-").map(Number);
  return attempt > otherAttempt || (attempt === otherAttempt && n > otherN);
}
