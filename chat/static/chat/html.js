/** What all views need: elements from templates and from the server's safe HTML, and a voice. */

/** For how long a screen reader can come upon what was announced. */
const READ_MS = 10000;
/** Enough of a text to tell its language. */
const SAMPLE_CHARACTERS = 1000;

const rules = {
  createHTML: (html) => html,
  createScriptURL: (address) => {
    if (/^\/service-worker\.js(\?|$)/.test(address)) return address;
    throw new TypeError(address);
  },
};
const policy = window.trustedTypes?.createPolicy("expertline", rules) || rules;

/** HTML that the server made safe; never anything else. */
export function fragmentOf(html) {
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(html);
  return document.importNode(template.content, true);
}

/** The service worker's address; no script is loaded from any other that is worked out. */
export function scriptAddress(address) {
  return policy.createScriptURL(address);
}

/** The one element in the page's `<template id=…>`. */
export function clone(id) {
  return document.importNode(document.getElementById(id).content, true).firstElementChild;
}

/** Whether there is anything of it to see. */
export function isShown(element) {
  return element.getClientRects().length > 0;
}

/** Show the elements whose data attribute `name` lists `value`, hide the others that have it. */
export function showOnly(root, name, value) {
  for (const element of root.querySelectorAll(`[data-${name}]`)) {
    element.hidden = !element.dataset[name].split(" ").includes(value);
  }
}

/** For screen readers and fonts: which of the two languages a text is in, or "" for any other. */
export function languageOf(text) {
  const sample = text.slice(0, SAMPLE_CHARACTERS);
  if (/\p{Script=Han}/u.test(sample)) return "zh-Hans";
  return /^\P{L}*\p{Script=Latin}/u.test(sample) ? "en" : "";
}

/** A day as `2026-05-01`, as the page's language writes it. */
export function longDate(day) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: "long",
    timeZone: "UTC",
  });
  return format.format(new Date(`${day}T00:00:00Z`));
}

/** Tell screen readers of something finished; raw deltas would have them stutter. What is not the
 * page's own words comes with its language.
 */
export function announce(text, lang = document.documentElement.lang) {
  if (!text.trim()) return;
  const line = document.createElement("p");
  line.textContent = text;
  line.lang = lang;
  document.getElementById("announcer").append(line);
  setTimeout(() => line.remove(), READ_MS); // the transcript has it; nobody should meet it twice
}
