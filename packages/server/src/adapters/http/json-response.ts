/** An answer in JSON. `text` is JSON already, so that a page of history is not parsed in order to be written again. */
export function jsonResponse(text: string, status = 200): Response {
  return new Response(text, {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}
