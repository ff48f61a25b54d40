/** One reply on the page: its blocks, its unfinished rest, its outcome and its sources. */

import { announce } from "./announcer.js";
import { clone, fragmentOf, languageOf, showOnly } from "./html.js";
import { sourceCard } from "./source_card.js";

export class ReplyView {
  /** `actions` are `ask(text)` and `askAgain(message)`. */
  constructor(actions) {
    this.actions = actions;
    this.element = clone("reply-template");
    this.prose = this.element.querySelector(".blocks");
    this.tail = this.element.querySelector(".tail");
    this.again = this.element.querySelector(".again");
    this.again.addEventListener("click", () => actions.askAgain(this.message.id));
    this.drawn = [];
    this.message = null;
    this.phase = null;
  }

  /** `turn` while the reply is written; `waits` when it is to be written anew. */
  update(message, turn, waits) {
    const phase = phaseOf(message, turn, waits);
    if (!turn && message === this.message && phase === this.phase) return;
    const settled = message !== this.message && message.status !== "running";
    this.message = message;
    this.drawText(turn ? turn.text : message.text, blocksOf(message, turn));
    this.enter(phase);
    if (settled) this.drawOutcome();
  }

  enter(phase) {
    if (phase === this.phase) return;
    this.phase = phase;
    this.element.dataset.state = phase;
    this.element.setAttribute("aria-busy", String(this.message.status === "running"));
    showOnly(this.element, "phase", phase);
    const said = this.element.querySelector("[data-phase]:not([hidden])");
    if (said && this.message.live) announce(said.textContent);
  }

  drawText(text, blocks) {
    const same = this.drawn.every((block, index) => isSame(block, blocks[index]));
    if (!same) {
      this.prose.replaceChildren();
      this.drawn = [];
    }
    for (const block of blocks.slice(this.drawn.length)) this.drawBlock(block);
    const end = blocks.length ? blocks[blocks.length - 1].end : 0;
    this.tail.textContent = text.slice(end).trimStart();
    this.element.lang = languageOf(text);
  }

  drawBlock(block) {
    const element = document.createElement("div");
    element.append(fragmentOf(block.html));
    this.prose.append(element);
    this.drawn.push(block);
    if (this.message.live) announce(element.textContent);
  }

  drawOutcome() {
    const { sources, suggestions, grounding, text } = this.message;
    const cards = (sources || []).map((source) =>
      sourceCard(source, grounding, text.includes(source.text)),
    );
    this.element.querySelector(".sources").replaceChildren(...cards);
    const buttons = (suggestions || []).map((question) => this.suggestion(question));
    this.element.querySelector(".suggestion-buttons").replaceChildren(...buttons);
    const group = this.element.querySelector(".suggestions");
    group.hidden = buttons.length === 0;
    group.classList.toggle("more", cards.length > 0);
  }

  suggestion(question) {
    const button = clone("suggestion-template");
    button.textContent = question;
    button.lang = languageOf(question);
    button.addEventListener("click", () => this.actions.ask(question));
    return button;
  }
}

function phaseOf(message, turn, waits) {
  if (waits) return "sent";
  if (turn) return turn.stopping ? "stopping" : turn.phase;
  if (message.status !== "done") return message.status;
  return message.finish || "stop";
}

/** A snapshot tells of blocks that are known already; nobody should hear or see them twice. */
function isSame(block, other) {
  return block.end === other?.end && block.html === other.html;
}

function blocksOf(message, turn) {
  if (turn) return turn.blocks;
  if (message.blocks) return message.blocks;
  if (!message.html) return [];
  message.blocks = [{ start: 0, end: message.text.length, html: message.html }];
  return message.blocks;
}
