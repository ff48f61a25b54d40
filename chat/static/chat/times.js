/** When something was said, as the page's language writes it. */

const { lang } = document.documentElement;
const timeOnly = new Intl.DateTimeFormat(lang, { timeStyle: "short" });
const dayAndTime = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });

export function showTime(element, at) {
  element.hidden = !at;
  if (!at || element.dateTime === at) return;
  const moment = new Date(at);
  const today = moment.toDateString() === new Date().toDateString();
  element.dateTime = at;
  element.textContent = (today ? timeOnly : dayAndTime).format(moment);
}
