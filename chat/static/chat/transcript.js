/** The conversation on the page. A frame of the running reply touches that reply alone; all of it is
 * gone through only when a message has come, gone or changed.
 */

import { isShown } from "./html.js";
import { QuestionView } from "./question_view.js";
import { ReplyView } from "./reply_view.js";

export class Transcript {
  /** `ask(text)` asks something new; `canSend()` tells whether anything can be asked from here. */
  constructor(element, client, { ask, canSend }) {
    this.element = element;
    this.client = client;
    this.actions = actionsOf(client, { ask, canSend });
    this.clear(null);
  }

  clear(conversation) {
    this.conversation = conversation;
    this.path = null;
    this.settled = []; // views of what is stored
    this.shown = []; // those and the outbox's
    this.waiting = "";
    this.views = new Map();
    this.element.replaceChildren();
  }

  /** Whether there is more to show in the next frame. */
  draw() {
    const { conversation } = this.client;
    if (conversation !== this.conversation) this.clear(conversation);
    if (!conversation) return false;
    if (this.element.dataset.writer !== this.client.mode) {
      this.element.dataset.writer = this.client.mode;
    }
    this.drawPath();
    const pending = this.pending();
    const shown = [...this.settled, ...pending];
    const same = shown.every((view, index) => view === this.shown[index]);
    if (!same || shown.length !== this.shown.length) this.arrange(shown);
    return this.drawTurn();
  }

  get latestQuestion() {
    const views = this.shown.slice(-2).filter((view) => view instanceof QuestionView);
    return views.pop()?.element;
  }

  /** Something that changes when there is more to read at the end. */
  get end() {
    const last = this.shown[this.shown.length - 1];
    return `${this.shown.length} ${last?.message.id} ${last?.pace?.shown}`;
  }

  /** What is stored, when it is no longer what was drawn. */
  drawPath() {
    const entries = this.client.pending();
    const edited = entries.find(({ edits }) => edits)?.edits;
    const anew = entries.filter(({ type }) => type === "regenerate").map(({ message }) => message);
    const waiting = [edited, ...anew].join();
    const { path } = this.conversation;
    if (path === this.path && waiting === this.waiting) return;
    this.path = path;
    this.waiting = waiting;
    const end = path.findIndex(({ id }) => id === edited);
    const messages = end < 0 ? path : path.slice(0, end);
    this.settled = messages.map((message) => this.stored(message, anew.includes(message.id)));
  }

  stored(message, waits) {
    const view = this.view(message.id, message.role === "user" ? QuestionView : ReplyView);
    view.update(message, { turn: this.turnOf(message), waits, versions: this.versions(message) });
    return view;
  }

  turnOf({ id }) {
    const { turn } = this.conversation;
    return turn?.message === id ? turn : null;
  }

  /** Which of its siblings a message is, and which one has an answer that came late. */
  versions(message) {
    const all = this.conversation.versions(message);
    const index = all.findIndex(({ id }) => id === message.id);
    return { position: index + 1, total: all.length, late: lateFrom(all, index) };
  }

  drawTurn() {
    const { turn } = this.conversation;
    const view = turn && this.settled.find(({ message }) => message.id === turn.message);
    if (!view) return false;
    const { message } = view;
    return view.update(message, { turn, waits: false, versions: this.versions(message) });
  }

  pending() {
    const entries = this.client.pending().filter(({ type }) => type === "send");
    return entries.map((entry) => {
      const view = this.view(entry.id, QuestionView);
      view.updatePending(entry, deliveryOf(entry, this.client));
      return view;
    });
  }

  view(id, View) {
    if (!this.views.has(id)) this.views.set(id, new View(this.actions));
    return this.views.get(id);
  }

  /** Put these views there and no others. What is being read and what has the focus stay in place. */
  arrange(shown) {
    const focus = this.focus();
    const [first] = this.shown;
    const top = first?.element.getBoundingClientRect().top;
    this.removeAllBut(new Set(shown));
    let there = this.element.firstElementChild;
    for (const { element } of shown) {
      if (element === there) there = there.nextElementSibling;
      else this.element.insertBefore(element, there);
    }
    this.shown = shown;
    if (shown.indexOf(first) > 0) window.scrollBy(0, first.element.getBoundingClientRect().top - top);
    if (focus && !focus.element.isConnected) this.refocus(focus);
  }

  removeAllBut(shown) {
    for (const [id, view] of this.views) {
      if (shown.has(view)) continue;
      view.element.remove();
      if (!view.editor) this.views.delete(id); // what is being written is there again with it
    }
  }

  focus() {
    const element = document.activeElement;
    const index = this.shown.findIndex((view) => view.element.contains(element));
    return index < 0 ? null : { element, index };
  }

  /** Whoever flips through versions goes on with what has taken the place. */
  refocus({ element, index }) {
    const view = this.shown[Math.min(index, this.shown.length - 1)];
    const same = view?.element.querySelector(`.${element.classList[0]}`);
    (same && isShown(same) ? same : view?.element)?.focus({ preventScroll: true });
    if (element.closest(".versions")) view?.versions?.announce();
  }

  focusFirst() {
    this.shown[0]?.element.focus({ preventScroll: true });
  }

  /** Begin to write the last question anew; whether there is one. */
  editLast() {
    const last = this.settled.filter((view) => view instanceof QuestionView).pop();
    last?.edit();
    return Boolean(last);
  }
}

function actionsOf(client, { ask, canSend }) {
  return {
    ask,
    askAgain: (message) => canSend() && client.askAgain(message),
    /** Whether it can be sent. */
    edit(question, text) {
      if (!canSend()) return false;
      client.edit(question, text);
      return true;
    },
    fits: (text) => client.fits(text),
    flip: (message, steps) => client.flip(message, steps),
    note: (type, message, fields) => client.note(type, message, fields),
    resend: (entry) => canSend() && client.resend(entry),
    withdraw: (id) => client.withdraw(id),
  };
}

/** Where nothing had been found at first: this version or the next that rests on an answer, and how
 * many steps away it is. */
function lateFrom(versions, index) {
  const first = versions.findIndex(({ finish }) => finish === "no_answer");
  const rests = ({ sources }, place) => place >= index && sources?.length > 0;
  const found = first < 0 || first > index ? -1 : versions.findIndex(rests);
  return found < 0 ? null : { message: versions[found], steps: found - index };
}

function deliveryOf(entry, client) {
  if (client.socket.state !== "open") return entry.sent ? "unconfirmed" : "waiting";
  if (entry.sent) return "sending";
  const first = client.outbox.heads().includes(entry);
  if (client.conversation.turn || !first) return "queued";
  return client.delivery.held.has(entry.id) ? "held" : "sending";
}
