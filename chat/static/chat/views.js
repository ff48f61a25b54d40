/** All that shows what becomes of what a visitor wrote. */

import { showOnly } from "./html.js";
import { Earlier, Scroll } from "./scroll.js";
import { Status } from "./status.js";
import { Transcript } from "./transcript.js";

const element = (id) => document.getElementById(id);

export class Views {
  constructor(chat) {
    const { client, composer } = chat;
    const ask = (text) => chat.ask(text);
    const canSend = () => chat.canSend();
    this.mode = null;
    this.scroll = new Scroll(element("transcript"), element("to-end"));
    this.transcript = new Transcript(element("transcript"), client, { ask, canSend });
    this.earlier = new Earlier(element("earlier"), {
      load: () => client.loadEarlier(),
      focus: () => this.transcript.focusFirst(),
    });
    this.status = new Status(element("status"), {
      connect: () => client.socket.hurry(),
      focus: () => composer.input.focus(),
    });
    for (const example of element("start").querySelectorAll("button")) {
      example.addEventListener("click", () => ask(example.textContent.trim()));
    }
  }

  /** Whether there is more to draw in the next frame. */
  draw(client) {
    const { conversation } = client;
    element("start").hidden = Boolean(conversation);
    const unfinished = this.transcript.draw();
    this.earlier.draw(client);
    this.status.draw(client);
    const opening = conversation && !conversation.complete && !client.pending().length;
    element("opening").hidden = !opening || conversation.missing;
    if (client.mode !== this.mode) showOnly(document, "mode", client.mode);
    this.mode = client.mode;
    if (conversation) this.scroll.follow(this.transcript.latestQuestion, this.transcript.end);
    return unfinished;
  }
}
