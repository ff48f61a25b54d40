/** Markdown that nobody has rendered yet, without the marks that will go away: what is read before its
 * block is finished should neither show them nor jump. Only ever text, never HTML.
 */

const MARKS = /\*\*|__|~~|`|[*_`#]+$/g;
const HEADING = /^(?:#{1,6}|>)[ \t]+/gm;
const BULLET = /^([ \t]*)[-*+][ \t]+/gm;
const LINK = /\[([^\]\n]*)\]\([^)\s]*\)/g;

export function plain(markdown) {
  const lines = markdown.replace(HEADING, "").replace(BULLET, "$1• ");
  return lines.replace(LINK, "$1").replace(MARKS, "");
}
