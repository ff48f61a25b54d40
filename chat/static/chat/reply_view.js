/** One reply on the page: its blocks, its unfinished rest, its outcome and its sources. */

import { announce, clone, fragmentOf, isShown, languageOf, showOnly } from "./html.js";
import { ReplyActions } from "./reply_actions.js";
import { NoAnswer, sourceCards } from "./sources.js";
import { Narration, Pace, Tail } from "./unfinished.js";

export class ReplyView {
  /** `actions` are the transcript's. */
  constructor(actions) {
    this.actions = actions;
    this.element = clone("reply-template");
    this.prose = this.part("blocks");
    this.tail = new Tail(this.part("tail"));
    this.pace = new Pace();
    this.narration = new Narration();
    this.row = null; // its actions, once it is finished
    this.noAnswer = null;
    this.late = null;
    this.part("again").addEventListener("click", () => actions.askAgain(this.message.id));
    this.part("to-late").addEventListener("click", () => {
      actions.flip(this.message, this.late.steps);
    });
    this.drawn = [];
    this.message = null;
    this.sources = null;
    this.phase = null;
  }

  part(name) {
    return this.element.querySelector(`.${name}`);
  }

  /** `turn` while the reply is written; `waits` when it is to be written anew; `versions` says which
   * of its siblings it is. Whether there is more to show in the next frame. */
  update(message, { turn, waits, versions }) {
    const changed = message !== this.message;
    const finished = message.status !== "running";
    this.message = message;
    if (turn) this.drawText(this.pace.of(turn.text), turn.blocks);
    else if (changed) this.drawText(message.text, blocksOf(message));
    this.enter(phaseOf(message, turn, waits));
    if (changed && finished) this.drawOutcome();
    if (finished) this.drawActions(versions, waits);
    return Boolean(turn) && this.pace.shown < turn.text.length;
  }

  enter(phase) {
    if (phase === this.phase) return;
    this.phase = phase;
    this.element.dataset.state = phase;
    this.element.setAttribute("aria-busy", String(this.message.status === "running"));
    this.keepFocus(() => showOnly(this.element, "phase", phase));
    const said = this.element.querySelector("[data-phase]:not([hidden])");
    if (said && this.message.live) announce(said.textContent);
  }

  /** Whoever's focus was on what goes away is still in this message. */
  keepFocus(change) {
    const focused = document.activeElement;
    const mine = this.element.contains(focused);
    change();
    if (mine && !isShown(focused)) this.element.focus({ preventScroll: true });
  }

  /** Blocks that end beyond the text are not to be seen yet. */
  drawText(text, blocks) {
    const same = this.drawn.every((block, index) => isSame(block, blocks[index]));
    if (!same) {
      this.prose.replaceChildren();
      this.drawn = [];
    }
    for (const block of blocks.slice(this.drawn.length)) {
      if (block.end <= text.length) this.drawBlock(block, text);
    }
    const end = this.drawn.length ? this.drawn[this.drawn.length - 1].end : 0;
    this.tail.show(text.slice(end));
    this.markLanguage(languageOf(text));
    if (this.message.live) this.narration.follow(text);
  }

  /** Of the reply's own text; what the page says around it is in the page's language. */
  markLanguage(lang) {
    this.prose.lang = lang;
    this.tail.element.lang = lang;
  }

  drawBlock(block, text) {
    const element = document.createElement("div");
    element.dir = "auto";
    element.append(fragmentOf(block.html));
    this.prose.append(element);
    this.drawn.push(block);
    if (this.message.live) this.narration.block(block, text, element.textContent);
  }

  drawOutcome() {
    this.drawNoAnswer();
    const { sources } = this.message;
    if (sources === this.sources) return; // only what was noted with it has changed
    this.sources = sources;
    const cards = sourceCards(this.message);
    this.part("sources").replaceChildren(...cards);
    const questions = this.message.suggestions || [];
    const buttons = questions.map((question) => this.suggestion(question));
    this.part("suggestion-buttons").replaceChildren(...buttons);
    this.part("suggestions").hidden = buttons.length === 0;
    this.part("suggestions").classList.toggle("more", cards.length > 0);
    this.part("ungrounded").hidden = !isUngrounded(this.message);
  }

  drawNoAnswer() {
    if (this.message.finish !== "no_answer") return;
    if (!this.noAnswer) {
      this.noAnswer = new NoAnswer(this.actions);
      this.part("sources").after(this.noAnswer.element);
    }
    this.noAnswer.update(this.message);
  }

  drawActions(versions, waits) {
    if (!this.row) {
      this.row = new ReplyActions(this.actions);
      this.part("outcome").after(this.row.element);
    }
    this.keepFocus(() => {
      this.row.element.hidden = waits;
    });
    this.row.update(this.message, versions);
    this.drawLate(versions.late);
  }

  /** Somebody has answered since: here, or in the version that the button shows. */
  drawLate(late) {
    const since = this.part("since");
    const news = late && since.hidden;
    since.hidden = !late;
    this.late = late;
    this.part("to-late").hidden = !late?.steps;
    if (news && late.message.news) announce(since.firstElementChild.textContent);
  }

  suggestion(question) {
    const button = clone("suggestion-template");
    button.textContent = question;
    button.lang = languageOf(question);
    button.addEventListener("click", () => this.actions.ask(question));
    return button;
  }

  get versions() {
    return this.row?.versions;
  }
}

function phaseOf(message, turn, waits) {
  if (waits) return "sent";
  if (turn) return turn.stopping ? "stopping" : turn.phase;
  if (message.status !== "done") return message.status;
  return message.finish || "stop";
}

/** A model wrote it, and no expert's answer stands behind it. */
function isUngrounded({ status, grounding, finish, suggestions }) {
  const whole = status === "done" && (finish === "stop" || finish === "length");
  return whole && grounding === "none" && !suggestions?.length;
}

/** A snapshot tells of blocks that are known already; nobody should hear or see them twice. */
function isSame(block, other) {
  return block.end === other?.end && block.html === other.html;
}

function blocksOf(message) {
  if (message.blocks) return message.blocks;
  if (!message.html) return [];
  message.blocks = [{ start: 0, end: message.text.length, html: message.html }];
  return message.blocks;
}
