/** The chat page: the protocol client, and the views that draw its state. */

import { ChatClient } from "./client.js";
import { Composer } from "./composer.js";
import { showOnly } from "./html.js";
import { Menu } from "./menu.js";
import { Outbox } from "./outbox.js";
import { Scroll } from "./scroll.js";
import { Status } from "./status.js";
import { storageOf } from "./storage.js";
import { Transcript } from "./transcript.js";

const element = (id) => document.getElementById(id);
const address = new URL("/ws/chat/", location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const client = new ChatClient({
  url: address.href,
  outbox: new Outbox(storageOf("localStorage"), document.body.dataset.visitor),
  locks: navigator.locks,
  onChange: drawSoon,
});
const scroll = new Scroll(element("transcript"), element("to-end"));
const transcript = new Transcript(element("transcript"), {
  ask,
  askAgain: (message) => client.askAgain(message),
  withdraw: (id) => client.withdraw(id),
  resend: (entry) => client.resend(entry),
});
const composer = new Composer(element("composer"), storageOf("sessionStorage"), {
  ask,
  fits: (text) => client.fits(text),
  stop: () => client.stop(),
});
const status = new Status(element("status"), {
  connect: () => client.socket.hurry(),
  focus: () => composer.input.focus(),
});
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
window.addEventListener("storage", (event) => client.outboxChanged(event));
window.addEventListener("online", () => client.comeBack());
window.addEventListener("offline", () => client.socket.drop());
window.addEventListener("pagehide", () => client.leave());
window.addEventListener("pageshow", (event) => event.persisted && client.comeBack());
document.addEventListener("freeze", () => client.leave());
document.addEventListener("resume", () => client.comeBack());
document.addEventListener("visibilitychange", () => document.hidden || client.comeBack());

client.open(conversationOfAddress());
client.start();
