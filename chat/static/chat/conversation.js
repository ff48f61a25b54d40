/** A conversation as far as this page knows it. Message objects are the protocol's. Knows no DOM. */

import { Turn } from "./turn.js";

export class Conversation {
  /** A conversation `begun` here has nothing on the server that this page does not know. */
  constructor(id, { begun }) {
    this.id = id;
    this.begun = begun;
    this.rev = 0;
    this.messages = new Map();
    this.turn = null;
    this.missing = false;
    this.taken = []; // entries of the outbox that another page has sent, or taken back
  }

  /** Whether the server has heard nothing of it yet, as far as this page knows. */
  get unsent() {
    return this.begun && this.messages.size === 0;
  }

  /** Whether everything up to its revision is here. */
  get complete() {
    return this.begun || this.rev > 0;
  }

  /** Questions in the order in which they were accepted, each with its newest reply.
   *
   * The first may lack its question: of a long conversation only the end is known.
   */
  exchanges() {
    const messages = Array.from(this.messages.values());
    const questions = messages.filter((message) => message.role === "user").sort(byRevision);
    const newest = new Map();
    for (const message of messages.sort(byRevision)) {
      if (message.role === "assistant") newest.set(message.parent, message);
    }
    const replies = Array.from(newest.values());
    const beginning = replies.filter(({ parent }) => !this.messages.has(parent));
    return [
      ...beginning.map((reply) => ({ question: null, reply })),
      ...questions.map((question) => ({ question, reply: newest.get(question.id) || null })),
    ];
  }

  /** The reply that the next message answers: null before the first, undefined if not known. */
  lastReply() {
    if (!this.complete) return undefined;
    const replies = this.exchanges().map((exchange) => exchange.reply);
    const last = replies.filter(Boolean).pop();
    return last ? last.id : null;
  }

  /** Take note of a revision told by other means than `sync`. False if one before it is missing. */
  advance(rev) {
    if (rev === this.rev + 1) this.rev = rev;
    return rev <= this.rev;
  }

  /** The server has stored what `entry` of the outbox asked for. */
  accept(entry, { rev, turn, message }) {
    if (entry.type === "send" && !this.messages.has(entry.id)) {
      this.messages.set(entry.id, { id: entry.id, role: "user", text: entry.text, rev });
    }
    const known = this.messages.get(message);
    if (known && known.status !== "running") return;
    const parent = entry.type === "send" ? entry.id : this.messages.get(entry.message)?.parent;
    this.messages.set(message, unwritten(message, parent, rev));
    this.watch({ id: turn, message });
  }

  sync(frame) {
    this.missing = false;
    this.taken = [];
    this.rev = frame.rev;
    if (frame.full) this.messages.clear();
    for (const message of frame.messages) this.messages.set(message.id, message);
    if (this.turn && this.messages.get(this.turn.message)?.status !== "running") this.turn = null;
    if (frame.turn?.status === "running") this.watch(frame.turn);
  }

  watch(turn) {
    if (this.turn?.id !== turn.id) this.turn = new Turn(turn);
    const message = this.messages.get(turn.message);
    if (message) message.live = true;
  }

  /** The turn's `end`; the finished reply. */
  finish({ status, finish, grounding, sources, suggestions, error }) {
    const { message: id, text, blocks } = this.turn;
    const outcome = { status, finish, grounding, sources, suggestions, error };
    const reply = { ...this.messages.get(id), id, ...outcome, text, blocks };
    this.messages.set(id, reply);
    this.turn = null;
    return reply;
  }
}

function unwritten(id, parent, rev) {
  return { id, role: "assistant", parent, rev, status: "running", text: "", html: null };
}

function byRevision(one, other) {
  return one.rev - other.rev;
}
