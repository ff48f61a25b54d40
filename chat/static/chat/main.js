/** The chat's own page: the address tells which conversation is open. */

import { Chat } from "./chat.js";
import { insist } from "./platform.js";

let shell = null;

const chat = new Chat({ socket: "/ws/chat/", api: "/api", onDraw });
chat.begin(conversationOfAddress());

function onDraw(client) {
  const { conversation } = client;
  const place = conversation ? `/c/${conversation.id}` : "/";
  if (location.pathname !== place) history.replaceState(null, "", place);
  shell?.draw(client);
}

/** Change to another conversation, or with null to a new one. */
function open(id) {
  if (id && id === opened()) return;
  history.pushState(null, "", id ? `/c/${id}` : "/");
  chat.show(id);
}

function opened() {
  return chat.client.conversation?.id || null;
}

function write() {
  chat.composer.input.focus();
}

function conversationOfAddress() {
  const match = /^\/c\/([0-9a-f-]{36})$/.exec(location.pathname);
  return match && match[1];
}

insist(() => import("./shell.js")).then(({ Shell }) => {
  shell = new Shell({ open, write });
  chat.drawSoon();
});
window.addEventListener("popstate", () => {
  const id = conversationOfAddress();
  if (id !== opened()) chat.show(id); // a link within the page changes nothing
});
window.addEventListener("load", async () => {
  const { install } = await insist(() => import("./installing.js"));
  install(document.body.dataset);
});
