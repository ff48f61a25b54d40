/** Changes that the page asks the server for over HTTP. */

/** The JSON of the answer, null where it has none. Throws where it was not done. */
export async function change(method, address, facts) {
  const response = await fetch(address, {
    method,
    headers: {
      "Accept-Language": document.documentElement.lang,
      "Content-Type": "application/json",
      "X-CSRFToken": csrfToken(),
    },
    body: facts && JSON.stringify(facts),
    keepalive: true, // it is done even if the page is closed
  });
  if (!response.ok) throw new RefusedError(response);
  return response.status === 204 ? null : response.json();
}

/** The server has answered, and has not done it. */
export class RefusedError extends Error {
  constructor(response) {
    super(String(response.status));
    this.response = response;
  }
}

function csrfToken() {
  return /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] || "";
}
