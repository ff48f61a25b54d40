/** The client side of protocol 1 (docs/protocol.md): one socket, one open conversation. No DOM.
 *
 * Whoever draws reads the state from here; `onChange()` says that it is no longer the same.
 */

import { Conversation } from "./conversation.js";
import { checksum, uuid7 } from "./ids.js";
import { Outbox } from "./outbox.js";
import { Socket } from "./socket.js";

const RETRY_MS = 2000;
/** Bytes of a `send` frame besides its text, rounded up. */
const FRAME_AROUND_TEXT = 256;
/** Refusals of a message that a later try may not meet. */
const PASSING = new Set(["busy", "draining", "rate_limited", "unavailable", "internal"]);

export class ChatClient {
  constructor({ url, storage, onChange }) {
    this.mode = null;
    this.limits = { frame: 16384, text: 8192 };
    this.conversation = null;
    this.problem = null; // a sentence of the server that belongs to nothing the visitor wrote
    this.gaps = 0;
    this.repairs = 0;
    this.outbox = new Outbox(storage);
    this.onChange = onChange;
    this.inFlight = new Set();
    this.awaitsSync = false;
    this.socket = new Socket(url, {
      onFrame: (frame) => this.receive(frame),
      onState: () => this.connectionChanged(),
    });
  }

  start() {
    this.socket.connect();
  }

  /** Show another conversation, or with null the beginning of a new one. */
  open(id) {
    if (this.conversation) {
      this.socket.send({ type: "unsubscribe", conversation: this.conversation.id });
    }
    this.conversation = id ? new Conversation(id, { begun: false }) : null;
    this.problem = null;
    this.subscribe();
    this.onChange();
  }

  /** Ask something. It is in the outbox, and survives a reload, before anything goes out. */
  ask(text) {
    const usable = this.conversation && !this.conversation.missing;
    if (!usable) this.conversation = new Conversation(uuid7(), { begun: true });
    this.post({ type: "send", id: uuid7(), conversation: this.conversation.id, text });
  }

  /** Have a reply written anew. */
  askAgain(message) {
    const conversation = this.conversation.id;
    this.post({ type: "regenerate", id: uuid7(), conversation, message });
  }

  /** Send what was refused once more, as a new message. */
  resend(entry) {
    this.outbox.remove(entry.id);
    this.ask(entry.text);
  }

  /** Take back what has not been sent. */
  withdraw(id) {
    if (!this.inFlight.has(id)) this.outbox.remove(id);
    this.onChange();
  }

  stop() {
    const { turn, id } = this.conversation;
    const [entry] = this.outbox.of(id).filter((each) => this.inFlight.has(each.id));
    if (turn) {
      turn.stopping = true;
      this.socket.send({ type: "stop", turn: turn.id });
    } else if (entry) {
      entry.stopping = true;
      this.socket.send({ type: "stop", send: entry.id });
    }
    this.onChange();
  }

  /** Whether a message fits one frame; that limit counts bytes, so Chinese has less room. */
  fits(text) {
    const bytes = new TextEncoder().encode(JSON.stringify(text)).length + FRAME_AROUND_TEXT;
    return bytes <= this.limits.frame && Array.from(text).length <= this.limits.text;
  }

  get running() {
    return Boolean(this.conversation?.turn) || this.pending().some(({ id }) => this.inFlight.has(id));
  }

  /** The open conversation's part of the outbox. */
  pending() {
    const { conversation } = this;
    if (!conversation) return [];
    return this.outbox.of(conversation.id).filter(({ id }) => !conversation.messages.has(id));
  }

  post(entry) {
    this.outbox.add(entry);
    this.problem = null;
    this.flush();
    this.onChange();
  }

  connectionChanged() {
    if (this.socket.state !== "open") this.inFlight.clear();
    this.awaitsSync = false;
    this.onChange();
  }

  /** Send the outbox, in order, as far as it can go. */
  flush() {
    for (const entry of this.outbox.heads()) {
      const waits = entry.conversation === this.conversation?.id && this.conversation.turn;
      if (waits || this.inFlight.has(entry.id)) continue;
      if (this.socket.send(this.frameOf(entry))) this.inFlight.add(entry.id);
    }
  }

  frameOf({ type, id, conversation, text, message }) {
    if (type === "regenerate") return { type, id, message };
    const frame = { type, id, conversation, text };
    if (conversation === this.conversation?.id) frame.parent = this.conversation.lastReply();
    return frame; // JSON drops an undefined parent: the server then continues at the end
  }

  subscribe() {
    const { conversation } = this;
    if (!conversation || conversation.unsent) return;
    const { id, rev, turn } = conversation;
    this.awaitsSync = this.socket.send({
      type: "subscribe",
      conversation: id,
      rev,
      turn: turn && { id: turn.id, cursor: turn.cursor },
    });
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
    this.flush();
    this.subscribe();
    const turn = this.conversation?.turn;
    if (turn?.stopping) this.socket.send({ type: "stop", turn: turn.id });
  }

  synced(frame) {
    if (frame.conversation !== this.conversation?.id) return;
    this.awaitsSync = false;
    this.conversation.sync(frame);
    this.flush();
  }

  accepted(frame) {
    const entry = this.outbox.get(frame.id);
    this.inFlight.delete(frame.id);
    this.outbox.remove(frame.id);
    const { conversation } = this;
    if (entry && frame.conversation === conversation?.id) {
      conversation.accept(entry, frame);
      if (entry.stopping) this.stop();
      if (frame.duplicate || !conversation.advance(frame.rev)) this.resubscribe();
    }
    this.flush();
  }

  /** A frame of the running turn: text, event, snapshot or end. */
  followed(frame) {
    const turn = this.conversation?.turn;
    if (!turn || frame.turn !== turn.id) return;
    const taken = turn.take(frame);
    if (taken === "gap" && !this.awaitsSync) {
      this.gaps += 1;
      this.subscribe();
    }
    if (taken === "applied" && frame.type === "end") this.ended(frame);
  }

  ended(frame) {
    const { conversation } = this;
    const reply = conversation.finish(frame);
    this.check(conversation, reply, frame);
    if (!conversation.advance(frame.rev)) this.resubscribe();
    this.flush();
  }

  /** What is shown must be what was stored; if it is not, what was stored is fetched. */
  async check(conversation, reply, { length, sha256 }) {
    const digest = await checksum(reply.text);
    if (reply.text.length === length && (digest === null || digest === sha256)) return;
    this.repairs += 1;
    const response = await fetch(`/api/messages/${reply.id}`);
    if (!response.ok) return;
    conversation.messages.set(reply.id, await response.json());
    this.onChange();
  }

  changed(frame) {
    const { conversation } = this;
    if (frame.conversation === conversation?.id && frame.rev > conversation.rev) this.subscribe();
  }

  /** A `sync` that is on its way already will tell it all. */
  resubscribe() {
    if (!this.awaitsSync) this.subscribe();
  }

  refused(frame) {
    if (this.outbox.get(frame.id)) {
      this.messageRefused(frame);
    } else if (this.awaitsSync) {
      this.awaitsSync = false;
      this.subscriptionRefused(frame);
    } else if (frame.code !== "not_found") {
      this.problem = frame.message;
    }
  }

  messageRefused(frame) {
    const { id, code, message, retry_ms: retryMs } = frame;
    if (!PASSING.has(code)) {
      this.inFlight.delete(id);
      this.finallyRefused(this.outbox.get(id), code, message);
      this.flush();
      return;
    }
    if (code === "busy" && !this.conversation?.turn) this.resubscribe();
    this.later(retryMs, () => {
      this.inFlight.delete(id);
      this.flush();
    });
  }

  finallyRefused({ id, type, conversation }, code, message) {
    const open = conversation === this.conversation?.id;
    if (open && code === "not_found" && !this.conversation.complete) this.conversation.missing = true;
    if (type === "send") {
      this.outbox.refuse(id, message);
    } else {
      this.outbox.remove(id);
      this.problem = message;
    }
  }

  subscriptionRefused({ code, message, retry_ms: retryMs }) {
    if (code === "not_found") {
      this.conversation.missing = this.pending().length === 0;
    } else if (code === "bad_cursor" && this.conversation.turn) {
      this.conversation.turn.forget();
      this.subscribe();
    } else {
      this.problem = message;
      this.later(retryMs, () => this.resubscribe());
    }
  }

  later(retryMs, act) {
    setTimeout(act, Math.max(retryMs, RETRY_MS));
  }
}

const { welcomed, synced, accepted, followed, changed, refused } = ChatClient.prototype;
const READERS = {
  welcome: welcomed,
  sync: synced,
  accepted,
  text: followed,
  event: followed,
  snapshot: followed,
  end: followed,
  changed,
  error: refused,
};
