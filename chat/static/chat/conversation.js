/** A conversation as far as this page knows it. Message objects are the protocol's. Knows no DOM. */

import { Tree, keyOf } from "./tree.js";

export class Conversation {
  /** A conversation `begun` here has nothing on the server that this page does not know. */
  constructor(id, { begun, branches }) {
    this.id = id;
    this.begun = begun;
    this.branches = branches;
    this.rev = 0;
    this.title = "";
    this.messages = new Map();
    this.turn = null;
    this.missing = false;
    this.taken = []; // entries of the outbox that another page has sent, or taken back
    this.earlier = "none"; // or "more", "loading", "failed": what came before the first message shown
    this.messagesChanged();
  }

  /** Whether the server has heard nothing of it yet, as far as this page knows. */
  get unsent() {
    return this.begun && this.messages.size === 0;
  }

  /** Whether everything up to its revision is here. */
  get complete() {
    return this.begun || this.rev > 0;
  }

  /** The messages that are shown, in order. The same array as long as nothing has changed.
   *
   * The first may be a reply: of a long conversation only the end is known.
   */
  get path() {
    this.knownPath ||= this.tree.path(this.branches);
    return this.knownPath;
  }

  get tree() {
    this.knownTree ||= new Tree(this.messages);
    return this.knownTree;
  }

  /** All versions of a message, the oldest first. */
  versions(message) {
    return this.tree.siblings(message);
  }

  /** Show the version `steps` after (or, below 0, before) this one, and what follows it. */
  flip(message, steps) {
    const versions = this.versions(message);
    const other = versions[versions.findIndex(({ id }) => id === message.id) + steps];
    if (!other) return;
    this.branches.choose(keyOf(other), other.id);
    this.knownPath = null;
  }

  put(message) {
    this.messages.set(message.id, message);
    this.messagesChanged();
  }

  messagesChanged() {
    this.knownTree = null;
    this.knownPath = null;
  }

  /** The reply that the next message answers: null before the first, undefined if not known. */
  lastReply() {
    if (!this.complete) return undefined;
    const last = this.path.filter(({ role }) => role === "assistant").pop();
    return last ? last.id : null;
  }

  /** Take note of a revision told by other means than `sync`. False if one before it is missing. */
  advance(rev) {
    if (rev === this.rev + 1) this.rev = rev;
    return rev <= this.rev;
  }

  /** The server has stored what `entry` of the outbox asked for, as an answer to `parent`. */
  accept(entry, { rev, turn, message }, parent = this.lastReply()) {
    const { id, type, text } = entry;
    const at = new Date().toISOString();
    if (type === "send" && !this.messages.has(id)) {
      this.put({ id, role: "user", text, parent, at, rev });
    }
    const known = this.messages.get(message);
    if (known && known.status !== "running") return;
    const above = type === "send" ? id : this.messages.get(entry.message)?.parent;
    this.put(unwritten(message, above, at, rev));
    this.watch({ id: turn, message });
  }

  sync(frame) {
    const live = Array.from(this.messages.values()).filter(({ live }) => live);
    this.missing = false;
    this.taken = [];
    this.rev = frame.rev;
    this.title = frame.title;
    if (frame.full) this.messages.clear();
    for (const message of frame.messages) this.take(message, frame.full);
    for (const { id } of live) this.stillLive(id);
    this.messagesChanged();
    if (frame.full) this.earlier = this.beginsLater ? "more" : "none";
    if (this.turn && this.messages.get(this.turn.message)?.status !== "running") this.turn = null;
    if (frame.turn?.status === "running") this.watch(frame.turn);
  }

  /** Whoever was hearing a reply hears the rest of it, too. */
  stillLive(id) {
    const message = this.messages.get(id);
    if (message) message.live = true;
  }

  /** One of a `sync`: what has come into being since the last one is shown. */
  take(message, full) {
    const known = this.messages.get(message.id);
    if (!full && !known) {
      this.branches.forget(keyOf(message));
      message.news = true;
    }
    this.messages.set(message.id, isOnlyNoted(known, message) ? noted(known, message) : message);
  }

  get beginsLater() {
    return Boolean(this.path[0]?.parent);
  }

  /** Bring what a `sync` left out of a long conversation. */
  async loadEarlier({ api, onChange }) {
    if (this.earlier !== "more" && this.earlier !== "failed") return;
    this.earlier = "loading";
    onChange();
    try {
      const response = await fetch(`${api}/conversations/${this.id}?before=${this.oldest.id}`);
      this.prepend((await response.json()).messages);
    } catch (error) {
      this.earlier = "failed"; // no network, or a server that answers something else
    }
    onChange();
  }

  /** Messages from before the first that was known. */
  prepend(messages) {
    const unknown = messages.filter(({ id }) => !this.messages.has(id));
    for (const message of unknown) this.messages.set(message.id, message);
    this.messagesChanged();
    this.earlier = unknown.length && this.beginsLater ? "more" : "none";
  }

  /** By revision: some times are this phone's. */
  get oldest() {
    return Array.from(this.messages.values()).reduce((one, other) =>
      other.rev < one.rev ? other : one,
    );
  }

  watch(turn) {
    if (this.turn?.id !== turn.id) {
      this.turn = new Turn(turn);
      this.reveal(turn.message);
    }
    this.stillLive(turn.message);
  }

  /** What is being written is shown, whichever branch it is in. */
  reveal(id) {
    for (let each = this.messages.get(id); each; each = this.messages.get(each.parent)) {
      if (this.branches.chosen(keyOf(each)) !== each.id) this.branches.forget(keyOf(each));
    }
    this.knownPath = null;
  }

  /** The turn's `end`; the finished reply. */
  finish({ status, finish, grounding, rev, sources, suggestions, error }) {
    const { message: id, text, blocks } = this.turn;
    const outcome = { status, finish, grounding, rev, sources, suggestions, error };
    const wanted = finish === "no_answer";
    const reply = { ...this.messages.get(id), id, ...outcome, text, blocks, notice_wanted: wanted };
    this.turn = null;
    this.put(reply);
    return reply;
  }
}

/** Whether nothing of a message is new but what was noted with it: then it is not drawn anew. */
function isOnlyNoted(known, { rev, status }) {
  return known?.rev === rev && known.status === status;
}

function noted(known, { at, feedback, notice_wanted: wanted }) {
  return { ...known, at, feedback, notice_wanted: wanted };
}

function unwritten(id, parent, at, rev) {
  return { id, role: "assistant", parent, at, rev, status: "running", text: "", html: null };
}

/** A reply while it is written: its text, its finished blocks, and how far they go. */
class Turn {
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
