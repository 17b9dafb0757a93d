/** A file of a web page, whole and in memory. */
export interface PageFile {
  readonly body: Uint8Array<ArrayBuffer> | string;
  readonly contentType: string;
  /** Quoted, as in the header (RFC 9110, section 8.8.3). */
  readonly etag: string;
}

/** Answers a request for a page; `If-None-Match` with the same tag costs no body. */
export function pageResponse(request: Request, page: PageFile, csp: string | undefined): Response {
  const headers: Record<string, string> = {
    etag: page.etag,
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  };
  if (csp !== undefined) headers["content-security-policy"] = csp;
  if (hasTag(request.headers.get("if-none-match"), page.etag))
    return new Response(null, { status: 304, headers });
  headers["content-type"] = page.contentType;
  return new Response(page.body, { headers });
}

/** The page of a path; `/` may be stored as `/index.html`. */
export function findPage(
  pages: ReadonlyMap<string, PageFile> | undefined,
  pathname: string,
): PageFile | undefined {
  return pages?.get(pathname) ?? (pathname === "/" ? pages?.get("/index.html") : undefined);
}

function hasTag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  const opaque = etag.replace(/^W\//, "");
  return header.split(",").some((entry) => {
    const tag = entry.trim();
    return tag === "*" || tag.replace(/^W\//, "") === opaque;
  });
}
