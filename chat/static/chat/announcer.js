/** Tells screen readers of finished pieces; raw deltas would have them stutter. */

const READ_MS = 10000;
const region = document.getElementById("announcer");

export function announce(text) {
  if (!text.trim()) return;
  const line = document.createElement("p");
  line.textContent = text;
  region.append(line);
  setTimeout(() => line.remove(), READ_MS); // the transcript has it; nobody should meet it twice
}
