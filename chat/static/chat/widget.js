/** The chat on another site: a button that opens it in a frame. Stands in a function, after TEXTS.
 *
 * docs/widget.md tells a site's owner how to use it, and what its policies must allow.
 */

const GREEN = "#17695f";
const STYLE = `
:host {
  all: initial;
}
* {
  box-sizing: border-box;
}
button {
  align-items: center;
  background: var(--expertline-color, ${GREEN});
  border: 2px solid #fff;
  border-radius: 50%;
  bottom: calc(var(--expertline-bottom, 1rem) + env(safe-area-inset-bottom, 0px));
  box-shadow: 0 2px 10px rgb(0 0 0 / 30%);
  color: #fff;
  cursor: pointer;
  display: flex;
  height: 56px;
  justify-content: center;
  padding: 0;
  position: fixed;
  touch-action: manipulation;
  width: 56px;
  z-index: 2147483001;
}
button:focus-visible {
  outline: 3px solid var(--expertline-color, ${GREEN});
  outline-offset: 3px;
}
.end {
  inset-inline-end: var(--expertline-side, 1rem);
}
.start {
  inset-inline-start: var(--expertline-side, 1rem);
}
svg {
  fill: none;
  height: 28px;
  stroke: currentcolor;
  stroke-linecap: round;
  stroke-linejoin: round;
  stroke-width: 2;
  width: 28px;
}
iframe {
  background: canvas;
  border: 1px solid rgb(128 128 128 / 50%);
  border-radius: 12px;
  bottom: calc(var(--expertline-bottom, 1rem) + 68px);
  box-shadow: 0 6px 30px rgb(0 0 0 / 30%);
  color-scheme: normal;
  height: min(640px, 100vh - var(--expertline-bottom, 1rem) - 84px);
  height: min(640px, 100dvh - var(--expertline-bottom, 1rem) - 84px);
  position: fixed;
  width: min(400px, 100vw - 2 * var(--expertline-side, 1rem));
  z-index: 2147483000;
}
[hidden] {
  display: none;
}
@media (max-width: 480px), (max-height: 480px) {
  iframe {
    border: 0;
    border-radius: 0;
    height: 100vh;
    height: 100dvh;
    inset: 0;
    width: 100vw;
  }
  button.ready[aria-expanded="true"] {
    display: none;
  }
}`;
const BUBBLE = "M4 5h16v11H9l-5 4z";
const CROSS = "M6 6l12 12M18 6L6 18";

const script = document.currentScript;
const server = new URL(script.src).origin;
const language = languageOf(script.dataset.language || document.documentElement.lang);
const texts = TEXTS[language];
const side = script.dataset.position === "start" ? "start" : "end";

const root = document.createElement("expertline-chat");
const shadow = root.attachShadow({ mode: "open" });
dress();
const icon = document.createElementNS("http://www.w3.org/2000/svg", "path");
const button = launcher();
let frame = null;

shadow.append(button);
button.addEventListener("click", () => toggle(!frame || frame.hidden));
root.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && frame && !frame.hidden) toggle(false);
});
window.addEventListener("message", hear);
label(false);
document.body ? document.body.append(root) : addEventListener("DOMContentLoaded", appendRoot);

function appendRoot() {
  document.body.append(root);
}

function languageOf(wanted) {
  const name = (wanted || navigator.language).toLowerCase();
  return name.startsWith("zh") ? "zh-hans" : "en";
}

/** By a sheet of its own where the browser knows that: a site's policy may forbid `<style>`. */
function dress() {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];
  } catch (error) {
    const style = document.createElement("style");
    style.textContent = STYLE;
    shadow.append(style);
  }
}

function launcher() {
  const made = document.createElement("button");
  made.type = "button";
  made.className = side;
  made.lang = language === "zh-hans" ? "zh-Hans" : language;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(icon);
  made.append(svg);
  return made;
}

function label(open) {
  const text = open ? texts.close : script.dataset.label || texts.open;
  icon.setAttribute("d", open ? CROSS : BUBBLE);
  button.setAttribute("aria-expanded", String(open));
  button.setAttribute("aria-label", text);
  button.title = text;
}

function toggle(open) {
  if (!frame) shadow.append((frame = chat()));
  frame.hidden = !open;
  label(open);
  if (open) opened();
  else button.focus();
}

/** Made when it is first wanted: until then a visitor of the site loads nothing but this script. */
function chat() {
  const made = document.createElement("iframe");
  const query = new URLSearchParams({ language, origin: location.origin });
  made.src = `${server}/widget?${query}`;
  made.title = texts.frame;
  made.allow = "clipboard-write";
  made.className = side;
  return made;
}

function opened() {
  frame.focus();
  if (!button.classList.contains("ready")) return; // what it says when it is loaded
  frame.contentWindow.postMessage({ type: "expertline:opened" }, server);
}

/** Only the chat's own frame is listened to. */
function hear(event) {
  if (event.origin !== server || !frame || event.source !== frame.contentWindow) return;
  if (event.data.type === "expertline:close") toggle(false);
  if (event.data.type === "expertline:ready") {
    button.classList.add("ready"); // it has a button of its own to be closed by
    if (!frame.hidden) opened();
  }
}
