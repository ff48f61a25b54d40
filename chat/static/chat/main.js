/** The chat page: the protocol client, and the views that draw its state. */

import { ChatClient } from "./client.js";
import { Composer } from "./composer.js";
import { showOnly } from "./html.js";
import { Menu } from "./menu.js";
import { Scroll } from "./scroll.js";
import { Status } from "./status.js";
import { Transcript } from "./transcript.js";

const element = (id) => document.getElementById(id);
const storage = storageOfTab();
const address = new URL("/ws/chat/", location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const client = new ChatClient({ url: address.href, storage, onChange: drawSoon });
const scroll = new Scroll(element("transcript"), element("to-end"));
const transcript = new Transcript(element("transcript"), {
  ask,
  askAgain: (message) => client.askAgain(message),
  withdraw: (id) => client.withdraw(id),
  resend: (entry) => client.resend(entry),
});
const composer = new Composer(element("composer"), storage, {
  ask,
  fits: (text) => client.fits(text),
  stop: () => client.stop(),
});
const status = new Status(element("status"));
new Menu(element("menu-button"), element("menu"), { open });

let drawing = null;

function ask(text) {
  scroll.toEnd();
  client.ask(text);
}

/** Change to another conversation, or with null to a new one. */
function open(id) {
  history.pushState(null, "", id ? `/c/${id}` : "/");
  show(id);
}

function show(id) {
  scroll.sticks = true;
  client.open(id);
  if (!id) window.scrollTo(0, 0);
}

function conversationOfAddress() {
  const match = /^\/c\/([0-9a-f-]{36})$/.exec(location.pathname);
  return match && match[1];
}

function drawSoon() {
  if (drawing === null) drawing = requestAnimationFrame(draw);
}

function draw() {
  drawing = null;
  const { conversation } = client;
  const place = conversation ? `/c/${conversation.id}` : "/";
  if (location.pathname !== place) history.replaceState(null, "", place);
  element("start").hidden = Boolean(conversation);
  transcript.draw(client);
  composer.draw(client);
  status.draw(client);
  const opening = conversation && !conversation.complete && !client.pending().length;
  element("opening").hidden = !opening || conversation.missing;
  showOnly(document, "mode", client.mode);
  if (conversation) scroll.follow(transcript.latestQuestion);
}

/** sessionStorage; where the browser forbids it, something that forgets at the next load. */
function storageOfTab() {
  try {
    sessionStorage.setItem("expertline.test", "");
    return sessionStorage;
  } catch (error) {
    const values = new Map();
    return {
      getItem: (key) => values.get(key) || null,
      setItem: (key, value) => values.set(key, value),
    };
  }
}

for (const example of element("start").querySelectorAll("button")) {
  example.addEventListener("click", () => ask(example.textContent.trim()));
}
element("new").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(null);
  if (matchMedia("(hover: hover)").matches) composer.input.focus(); // a phone's keys hide the rest
});
element("language").addEventListener("submit", () => {
  element("language").elements.next.value = location.pathname;
});
window.addEventListener("popstate", () => show(conversationOfAddress()));
window.addEventListener("online", () => client.socket.hurry());
window.addEventListener("offline", () => client.socket.drop());
window.addEventListener("pagehide", () => client.socket.leave());
window.addEventListener("pageshow", (event) => event.persisted && client.socket.hurry());
document.addEventListener("visibilitychange", () => document.hidden || client.socket.hurry());

client.open(conversationOfAddress());
client.start();
