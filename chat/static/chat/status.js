/** The state of the connection, in words; silent while all is well. */

import { showOnly } from "./html.js";

/** A lost connection that is back sooner is nobody's business. */
const PATIENCE_MS = 1500;
const TOO_MANY_SOCKETS = 4504;

export class Status {
  constructor(element) {
    this.element = element;
    this.problem = element.querySelector(".problem");
    this.patience = null;
    this.patient = true;
    element.querySelector(".reload").addEventListener("click", () => location.reload());
  }

  draw(client) {
    this.wait(client);
    showOnly(this.element, "state", this.stateOf(client));
    if (this.problem.textContent !== (client.problem || "")) {
      this.problem.textContent = client.problem || "";
    }
  }

  stateOf({ socket, conversation }) {
    if (socket.state === "ended") {
      return socket.closeCode === TOO_MANY_SOCKETS ? "crowded" : "ended";
    }
    if (socket.state === "open") return conversation?.missing ? "missing" : "fine";
    if (!navigator.onLine) return "offline";
    return this.patient ? "fine" : "reconnecting";
  }

  wait(client) {
    if (client.socket.state === "open") {
      clearTimeout(this.patience);
      this.patience = null;
      this.patient = true;
    } else if (this.patience === null) {
      this.patience = setTimeout(() => {
        this.patient = false;
        this.draw(client);
      }, PATIENCE_MS);
    }
  }
}
