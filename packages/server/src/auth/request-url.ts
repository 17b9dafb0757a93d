/**
 * The URL of a request, or undefined where its `Host` header or path is malformed. `Bun.serve` gives a bare path where
 * the header is missing (allowed in HTTP/1.0, load balancers probe with it) or is no host, on which `new URL` throws.
 */
export function requestUrl(request: Request): URL | undefined {
  const { url } = request;
  if (!url.startsWith("/")) return URL.parse(url) ?? undefined;
  return request.headers.has("host") ? undefined : (URL.parse(`http://localhost${url}`) ?? undefined);
}
