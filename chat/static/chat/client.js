/** The client side of protocol 1 (docs/protocol.md): one socket, one open conversation. No DOM.
 *
 * Whoever draws reads the state from here; `onChange()` says that it is no longer the same.
 */

import { Conversation } from "./conversation.js";
import { Delivery, PASSING, pauseOf } from "./delivery.js";
import { Notes } from "./notes.js";
import { checksum, uuid7 } from "./platform.js";
import { Socket } from "./socket.js";
import { Branches } from "./tree.js";

/** Bytes of a `send` frame besides its text, rounded up. */
const FRAME_AROUND_TEXT = 256;

export class ChatClient {
  /** `branches` is the storage that keeps which versions of messages are shown. */
  constructor({ url, api = "/api", outbox, branches, locks, onChange }) {
    this.api = api;
    this.mode = null;
    this.limits = { frame: 16384, text: 8192 };
    this.conversation = null;
    this.problem = null; // a sentence of the server that belongs to nothing the visitor wrote
    this.consentMissing = false; // the server has said so
    this.gaps = 0;
    this.repairs = 0;
    this.stops = new Set(); // of turns whose end has not been seen
    this.outbox = outbox;
    this.branches = branches;
    this.onChange = onChange;
    this.parents = new Map(); // by id: which message a question went out as an answer to
    this.awaitedSyncs = new Map();
    this.delivery = new Delivery(outbox, {
      locks,
      send: (entry) => this.sendEntry(entry),
      onChange,
    });
    this.notes = new Notes({
      send: (frame) => this.socket.send(frame),
      onChange,
    });
    this.socket = new Socket(url, {
      onFrame: (frame) => this.receive(frame),
      onState: () => this.connectionChanged(),
    });
  }

  start() {
    this.delivery.flush();
    this.socket.connect();
  }

  /** Nobody looks any more, and the browser may stop this page at any moment. */
  leave() {
    this.delivery.leave();
    this.socket.leave();
  }

  /** The page is looked at again, or the network is back. */
  comeBack() {
    if (this.socket.state !== "ended") this.delivery.comeBack();
    this.socket.hurry();
  }

  /** Show another conversation, or with null the beginning of a new one. */
  open(id) {
    if (this.conversation) {
      this.socket.send({ type: "unsubscribe", conversation: this.conversation.id });
    }
    this.conversation = id ? this.conversationOf(id, { begun: false }) : null;
    this.problem = null;
    this.subscribe();
    this.onChange();
  }

  conversationOf(id, { begun }) {
    return new Conversation(id, { begun, branches: new Branches(this.branches, id) });
  }

  /** Ask something. It is in the outbox, and survives a reload, before anything goes out. */
  ask(text) {
    const usable = this.conversation && !this.conversation.missing;
    if (!usable) this.conversation = this.conversationOf(uuid7(), { begun: true });
    this.post({ type: "send", id: uuid7(), conversation: this.conversation.id, text });
  }

  /** Ask a question in other words, beside the first wording. What is being written can stop. */
  edit({ id: edits, parent = null }, text) {
    if (this.running) this.stop();
    this.askBeside({ edits, parent, text });
  }

  askBeside({ edits, parent, text }) {
    const conversation = this.conversation.id;
    this.post({ type: "send", id: uuid7(), conversation, text, parent, edits });
  }

  /** Have a reply written anew. */
  askAgain(message) {
    const conversation = this.conversation.id;
    this.post({ type: "regenerate", id: uuid7(), conversation, message });
  }

  /** Send what was refused once more, as a new message. */
  resend(entry) {
    this.outbox.remove(entry.id);
    if (entry.edits && !this.conversation?.missing) this.askBeside(entry);
    else this.ask(entry.text);
  }

  /** Show the version `steps` after (or, below 0, before) this one. */
  flip(message, steps) {
    this.conversation.flip(message, steps);
    this.onChange();
  }

  /** Resolves to null, or to the sentence with which the server refused it. */
  note(type, message, fields) {
    return this.notes.note(this.conversation, { type, message, fields });
  }

  /** Bring what came before the first message shown. */
  loadEarlier() {
    this.conversation.loadEarlier({ api: this.api, onChange: this.onChange });
  }

  /** Take back what has not been sent. */
  withdraw(id) {
    this.delivery.withdraw(id);
  }

  /** Without a connection, the stop goes out when it is back. */
  stop() {
    const { turn } = this.conversation;
    const asked = this.asked();
    if (turn) {
      turn.stopping = true;
      this.stops.add(turn.id);
      this.socket.send({ type: "stop", turn: turn.id });
    } else if (asked) {
      this.outbox.note(asked.id, { stopping: true });
      this.socket.send({ type: "stop", send: asked.id });
    }
    this.onChange();
  }

  /** Whether a message fits one frame; that limit counts bytes, so Chinese has less room. */
  fits(text) {
    const bytes = new TextEncoder().encode(JSON.stringify(text)).length + FRAME_AROUND_TEXT;
    return bytes <= this.limits.frame && Array.from(text).length <= this.limits.text;
  }

  get running() {
    return Boolean(this.conversation?.turn || this.asked());
  }

  get stopping() {
    const { turn } = this.conversation || {};
    return Boolean(turn ? turn.stopping : this.asked()?.stopping);
  }

  /** What may have begun a turn of the open conversation, of which nothing was heard yet. */
  asked() {
    return this.pending().find((entry) => entry.sent);
  }

  /** The open conversation's part of the outbox, and what went from there into the unknown. */
  pending() {
    const { conversation } = this;
    if (!conversation) return [];
    const entries = [...conversation.taken, ...this.outbox.of(conversation.id)];
    return entries.filter(({ id }) => !conversation.messages.has(id));
  }

  /** Whether the server knows all of the open conversation's part, or has refused it. */
  nothingWaits() {
    return this.pending().every(({ error }) => error);
  }

  post(entry) {
    this.problem = null;
    this.delivery.post(entry);
  }

  connectionChanged() {
    this.awaitedSyncs.clear();
    if (this.socket.state !== "open") this.delivery.lost();
    if (this.socket.state === "ended") this.delivery.leave();
    this.onChange();
  }

  /** Another page of this browser has changed the shared outbox. */
  outboxChanged(event) {
    const removed = this.outbox.removedElsewhere(event);
    this.delivery.flush();
    if (removed && removed.conversation === this.conversation?.id) this.taken(removed);
  }

  /** Another page has sent what stands in this conversation, or has taken it back. */
  taken(entry) {
    const { conversation } = this;
    if (conversation.unsent) conversation.begun = false; // it was begun over there
    conversation.taken.push(entry);
    this.resubscribe();
  }

  sendEntry(entry) {
    const waits = entry.conversation === this.conversation?.id && this.conversation.turn;
    return !waits && this.socket.send(this.frameOf(entry));
  }

  frameOf({ type, id, conversation, text, message, ...entry }) {
    if (type === "regenerate") return { type, id, message };
    const open = conversation === this.conversation?.id;
    const last = open ? this.conversation.lastReply() : undefined;
    const parent = "parent" in entry ? entry.parent : last;
    this.parents.set(id, parent);
    return { type, id, conversation, text, parent }; // undefined: the server continues at the end
  }

  subscribe() {
    const { conversation } = this;
    if (!conversation || conversation.unsent) return;
    const { id, rev, turn } = conversation;
    const position = turn && { id: turn.id, cursor: turn.cursor };
    const sent = this.socket.send({ type: "subscribe", conversation: id, rev, turn: position });
    if (sent) this.awaitedSyncs.set(id, this.syncsAwaited(id) + 1);
  }

  /** How many times a conversation was asked for and has not come yet. */
  syncsAwaited(id) {
    return this.awaitedSyncs.get(id) || 0;
  }

  syncCame(id) {
    this.awaitedSyncs.set(id, Math.max(0, this.syncsAwaited(id) - 1));
  }

  receive(frame) {
    const read = READERS[frame.type];
    if (!read) return;
    read.call(this, frame);
    this.onChange();
  }

  welcomed(frame) {
    this.mode = frame.mode;
    this.limits = frame.limits;
    this.problem = null;
    this.delivery.flush();
    this.subscribe();
    this.sendStops();
    this.notes.flush();
  }

  sendStops() {
    for (const turn of this.stops) this.socket.send({ type: "stop", turn });
  }

  synced(frame) {
    this.syncCame(frame.conversation);
    if (frame.conversation !== this.conversation?.id) return;
    const { turn: before } = this.conversation;
    this.conversation.sync(frame);
    const { turn } = this.conversation;
    if (before && before !== turn) this.stops.delete(before.id);
    if (turn) turn.stopping = this.stops.has(turn.id);
    this.delivery.flush();
  }

  accepted(frame) {
    const entry = this.delivery.accepted(frame.id);
    const { conversation } = this;
    if (frame.conversation !== conversation?.id) {
      this.socket.send({ type: "unsubscribe", conversation: frame.conversation });
    } else if (entry) {
      conversation.accept(entry, frame, this.parents.get(entry.id));
      if (entry.stopping && conversation.turn) this.stop();
      if (frame.duplicate || !conversation.advance(frame.rev)) this.resubscribe();
    }
    this.delivery.flush();
  }

  /** A frame of the running turn: text, event, snapshot or end. What comes between a `subscribe`
   * and its `sync` is told again after that, from the cursor that was named. */
  followed(frame) {
    const turn = this.conversation?.turn;
    if (!turn || frame.turn !== turn.id) return;
    if (this.syncsAwaited(this.conversation.id)) return;
    const taken = turn.take(frame);
    if (taken === "gap") this.fillGap(turn);
    if (taken === "applied") turn.gaps = 0;
    if (taken === "applied" && frame.type === "end") this.ended(frame);
  }

  /** Ask for what is missing; if that did not help, for all of it. */
  fillGap(turn) {
    this.gaps += 1;
    turn.gaps += 1;
    if (turn.gaps > 1) turn.forget();
    this.subscribe();
  }

  ended(frame) {
    const { conversation } = this;
    const reply = conversation.finish(frame);
    this.stops.delete(frame.turn);
    this.check(conversation, reply, frame);
    if (!conversation.advance(frame.rev)) this.resubscribe();
    this.delivery.flush();
  }

  /** What is shown must be what was stored; if it is not, what was stored is fetched. */
  async check(conversation, reply, { length, sha256 }) {
    const digest = await checksum(reply.text);
    if (reply.text.length === length && (digest === null || digest === sha256)) return;
    this.repairs += 1;
    try {
      const response = await fetch(`${this.api}/messages/${reply.id}`);
      if (response.ok) conversation.put(await response.json());
    } catch (error) {
      conversation.rev = 0; // no network: the next `sync` tells everything anew
    }
    this.onChange();
  }

  changed(frame) {
    const { conversation } = this;
    if (frame.conversation === conversation?.id && frame.rev > conversation.rev) this.subscribe();
  }

  /** A `sync` that is on its way already will tell it all. */
  resubscribe() {
    if (!this.syncsAwaited(this.conversation?.id)) this.subscribe();
  }

  noted(frame) {
    this.notes.done(frame);
  }

  refused(frame) {
    if (frame.code === "consent_required") this.consentMissing = true;
    if (this.notes.refused(frame)) return;
    if (this.outbox.get(frame.id)) {
      this.messageRefused(frame);
    } else if (this.syncsAwaited(this.conversation?.id)) {
      this.syncCame(this.conversation.id);
      this.subscriptionRefused(frame);
    } else if (this.stops.size && PASSING.has(frame.code)) {
      this.later(frame.retry_ms, () => this.sendStops());
    } else if (frame.code !== "not_found") {
      this.problem = frame.message;
    }
  }

  messageRefused(frame) {
    const { type, id, conversation } = this.outbox.get(frame.id);
    const open = conversation === this.conversation?.id;
    if (this.delivery.refused(frame)) {
      if (frame.code === "busy" && open && !this.conversation.turn) this.resubscribe();
      return;
    }
    if (open && frame.code === "not_found") this.conversation.missing = this.nothingWaits();
    if (type === "send") return;
    this.outbox.remove(id);
    this.problem = frame.message;
  }

  subscriptionRefused({ code, message, retry_ms: retryMs }) {
    if (code === "not_found") {
      this.conversation.taken = [];
      this.conversation.missing = this.nothingWaits();
    } else if (code === "bad_cursor" && this.conversation.turn) {
      this.conversation.turn.forget();
      this.subscribe();
    } else {
      this.problem = message;
      this.later(retryMs, () => this.resubscribe());
    }
  }

  later(retryMs, act) {
    setTimeout(act, pauseOf(retryMs));
  }
}

const { welcomed, synced, accepted, followed, changed, noted, refused } = ChatClient.prototype;
const READERS = {
  welcome: welcomed,
  sync: synced,
  accepted,
  text: followed,
  event: followed,
  snapshot: followed,
  end: followed,
  changed,
  done: noted,
  error: refused,
};
