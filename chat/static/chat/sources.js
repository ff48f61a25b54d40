/** What a reply rests on: the experts' words, or the offer to tell when there are some. */

import { clone, fragmentOf, languageOf, longDate, showOnly } from "./html.js";

/** Whose words a reply rests on: the first card is open, further ones wait behind a line. */
export function sourceCards({ sources, grounding, text }) {
  const [first, ...others] = (sources || []).map((source) =>
    sourceCard(source, grounding, text.includes(source.text)),
  );
  if (!others.length) return first ? [first] : [];
  const more = clone("more-sources-template");
  more.querySelector(".count").textContent = others.length;
  more.append(...others);
  return [first, more];
}

/** `quoted` when the reply itself holds the expert's words, so that they need not stand twice. */
function sourceCard(source, grounding, quoted) {
  const card = clone("source-template");
  const part = (name) => card.querySelector(`.${name}`);
  showOnly(card, "grounding", quoted ? "verbatim" : grounding);
  showOnly(card, "certain", String(source.certain)); // what is not known is not said
  write(part("source-title"), source.title);
  write(part("source-expert"), source.expert);
  write(part("source-role"), source.role);
  showReview(card, source);
  if (quoted) part("source-words").remove();
  else showWords(part("source-text"), source);
  showBasis(part("source-basis"), source.url);
  return card;
}

/** What an expert wrote, among words of the page that may be in another language. */
function write(element, text) {
  element.textContent = text;
  element.lang = languageOf(element.textContent);
}

function showReview(card, source) {
  const reviewed = Boolean(source.reviewed_at);
  showOnly(card, "review", reviewed ? "reviewed" : "unreviewed");
  card.querySelector(".source-overdue").hidden = !source.overdue;
  if (!reviewed) return;
  const time = card.querySelector("time");
  time.dateTime = source.reviewed_at;
  time.textContent = longDate(source.reviewed_at);
}

/** The page never reads Markdown: without the server's HTML the words stand as they were written. */
function showWords(element, source) {
  if (source.html) element.replaceChildren(fragmentOf(source.html));
  else element.textContent = source.text;
  element.lang = languageOf(source.text);
  element.classList.toggle("as-written", !source.html);
}

/** The way out leads over a page that names the whole host. */
function showBasis(link, address) {
  link.hidden = !/^https?:\/\//i.test(address || "");
  if (link.hidden) return;
  link.href = address;
  link.querySelector(".source-host").textContent = link.host;
  link.href = `/leave?to=${encodeURIComponent(address)}`;
}

/** Under a reply that no expert's answer was found for: the offer to tell when there is one. */
export class NoAnswer {
  /** `note` keeps the wish with the message. */
  constructor({ note }) {
    this.message = null;
    this.element = clone("no-answer-template");
    this.toggle = this.element.querySelector("[role=switch]");
    this.toggle.addEventListener("click", () => {
      note("notify", this.message.id, { wanted: !this.message.notice_wanted });
    });
  }

  update(message) {
    this.message = message;
    const wanted = Boolean(message.notice_wanted);
    this.toggle.setAttribute("aria-checked", String(wanted));
    showOnly(this.element, "wanted", String(wanted));
  }
}
