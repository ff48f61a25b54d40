/** The conversation on the page, drawn anew from the client's state whenever that has changed. */

import { QuestionView } from "./question_view.js";
import { ReplyView } from "./reply_view.js";

export class Transcript {
  constructor(element, actions) {
    this.element = element;
    this.actions = actions;
    this.conversation = null;
    this.views = new Map();
  }

  draw(client) {
    const { conversation } = client;
    if (conversation !== this.conversation) this.clear(conversation);
    if (!conversation) return;
    const shown = [...this.exchanges(client), ...this.pending(client)];
    this.arrange(shown);
  }

  clear(conversation) {
    this.conversation = conversation;
    this.views.clear();
    this.element.replaceChildren();
  }

  get latestQuestion() {
    return Array.from(this.element.querySelectorAll(".question")).pop();
  }

  exchanges(client) {
    const { turn } = this.conversation;
    const waiting = client.pending().filter((entry) => entry.type === "regenerate");
    return this.conversation.exchanges().flatMap(({ question, reply }) => {
      const views = [];
      if (question) {
        const asked = this.view(question.id, QuestionView);
        asked.update(question, null, null);
        views.push(asked);
      }
      if (reply) {
        const answered = this.view(reply.id, ReplyView);
        const waits = waiting.some((entry) => entry.message === reply.id);
        answered.update(reply, turn?.message === reply.id ? turn : null, waits);
        views.push(answered);
      }
      return views;
    });
  }

  pending(client) {
    const entries = client.pending().filter((entry) => entry.type === "send");
    return entries.map((entry) => {
      const view = this.view(entry.id, QuestionView);
      view.update(entry, entry, deliveryOf(entry, client));
      return view;
    });
  }

  view(id, View) {
    if (!this.views.has(id)) this.views.set(id, new View(this.actions));
    return this.views.get(id);
  }

  arrange(shown) {
    const elements = shown.map((view) => view.element);
    for (const [id, view] of this.views) {
      if (!shown.includes(view)) {
        view.element.remove();
        this.views.delete(id);
      }
    }
    elements.forEach((element, index) => {
      const there = this.element.children[index];
      if (there !== element) this.element.insertBefore(element, there || null);
    });
  }
}

function deliveryOf(entry, client) {
  if (client.socket.state !== "open") return entry.sent ? "unconfirmed" : "waiting";
  if (entry.sent) return "sending";
  const first = client.outbox.heads().includes(entry);
  if (client.conversation.turn || !first) return "queued";
  return client.delivery.held.has(entry.id) ? "held" : "sending";
}
