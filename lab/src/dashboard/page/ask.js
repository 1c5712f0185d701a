// What the page asks of the server, and the server's refusals in words.

// The token is taken from the page's address and kept in memory alone.
const token = new URLSearchParams(location.search).get('token');

/** A refusal or a failure, said in one sentence for people. */
export class Refused extends Error {
  constructor(sentence, forbidden = false) {
    super(sentence);
    this.forbidden = forbidden;
  }
}

export const hasToken = token !== null;

/** Posts `body` to `path` and gives the answer; throws `Refused`. */
export async function ask(path, body) {
  const headers = { 'Content-Type': 'application/json', 'X-Lab': '1' };
  if (hasToken) headers['X-Lab-Token'] = token;
  let response;
  try {
    response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
  } catch {
    throw new Refused('The server does not answer; nothing was done.');
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  const sentence = answer?.error ?? `The server answered ${response.status} without a reason; nothing was done.`;
  throw new Refused(sentence, response.status === 403);
}
