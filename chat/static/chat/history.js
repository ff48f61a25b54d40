/** Brings what a `sync` left out of a long conversation. Knows no DOM. */

export async function loadEarlier(conversation, { api, onChange }) {
  if (conversation.earlier !== "more" && conversation.earlier !== "failed") return;
  conversation.earlier = "loading";
  onChange();
  try {
    conversation.prepend(await before(conversation, api));
  } catch (error) {
    conversation.earlier = "failed"; // no network, or a server that answers something else
  }
  onChange();
}

async function before({ id, oldest }, api) {
  const response = await fetch(`${api}/conversations/${id}?before=${oldest.id}`);
  return (await response.json()).messages;
}
