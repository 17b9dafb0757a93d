import { ERROR_CODES, ERROR_STATUS, type ErrorCode } from "@danmakud/wire";
import type { OpenApi, Operation, OperationResponse, Parameter } from "./openapi-parts.ts";
import type { Schema } from "./openapi-schemas.ts";
import type { PageFile } from "./pages.ts";

/** The page has neither scripts nor requests, only a style of its own. */
export const DOCS_CSP =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const MEANINGS: Readonly<Record<ErrorCode, string>> = {
  invalid_message: "The request is not what it should be; detail says which rule it breaks.",
  too_large: "The body has more bytes, or the array more danmaku, than are taken.",
  unauthorized: "There is no token, or it is not valid, or it has expired.",
  forbidden: "The role or the token does not allow this, or the page's origin is foreign.",
  rate_limited: "Too fast. Come back after Retry-After.",
  muted: "The user may not publish in this room at present.",
  banned: "The user may not enter.",
  content_rejected: "Moderation refused the content.",
  room_closed: "The room takes no publishes.",
  not_found: "There is no such room or path.",
  overloaded: "The node has too much to do. Nothing was published; come back after Retry-After.",
  unavailable: "After a time-out this means unknown: try again with the same key.",
};

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#0a7d6c}
@media (prefers-color-scheme:dark){:root{--accent:#4fd1bd}}
body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1.5rem 1rem 6rem}
h1{margin:0}h2{margin:3rem 0 .5rem;border-bottom:1px solid var(--line)}
h3{margin:2.2rem 0 .3rem;font-size:1.05rem}h4{margin:1rem 0 .3rem;font-size:.95rem}
a{color:var(--accent)}code,pre{font:.875em/1.5 ui-monospace,monospace}
pre{background:var(--soft);padding:.7rem .9rem;overflow-x:auto;border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}
td,th{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-top:1px solid var(--line)}
th{font-weight:600}td:first-child{white-space:nowrap}
.method{display:inline-block;min-width:3.2rem;font-weight:700;color:var(--accent)}
nav ul{list-style:none;padding:0;columns:2 18rem}nav li{break-inside:avoid}
`;

/** The API description as one page that needs nothing but itself. */
export function createDocsPage(api: OpenApi): PageFile {
  const { info } = api;
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(info.title)} HTTP API</title><link rel="icon" href="data:,"><style>${STYLE}</style></head><body>
<header><h1>${escapeHtml(info.title)} HTTP API</h1><p>${escapeHtml(info.summary)} Version ${escapeHtml(info.version)}.</p>
<p>${escapeHtml(info.description)} As a file: <a href="/openapi.json">openapi.json</a> (OpenAPI ${escapeHtml(api.openapi)}).</p></header>
<nav><ul>${operations(api).map(renderLink).join("")}</ul></nav>
<main><h2 id="operations">Calls</h2>${operations(api).map(renderOperation).join("")}
<h2 id="problems">Problems</h2><div class="scroll"><table><tr><th>code</th><th>status</th><th>meaning</th></tr>
${ERROR_CODES.map(renderCode).join("")}</table></div>
<h2 id="schemas">Schemas</h2>${Object.entries(api.components.schemas).map(renderSchema).join("")}</main></body></html>
`;
  const etag = `"${Bun.hash(body).toString(36)}"`;
  return { body, contentType: "text/html; charset=utf-8", etag };
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

function operations(api: OpenApi): Call[] {
  return Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function renderLink({ method, path, operation }: Call): string {
  const { operationId, summary } = operation;
  return `<li><a href="#${operationId}"><span class="method">${method}</span> ${escapeHtml(path)}</a><br>${escapeHtml(summary)}</li>`;
}

function renderOperation({ method, path, operation }: Call): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const requestExamples = Object.values(requestBody?.content ?? {}).map(({ example }) => example);
  return `<section id="${operationId}"><h3><span class="method">${method}</span> <code>${escapeHtml(path)}</code></h3>
<p>${escapeHtml(summary)}.${description === undefined ? "" : ` ${escapeHtml(description)}`}</p>
${renderParameters(parameters ?? [])}${requestBody === undefined ? "" : `<h4>Body</h4>${renderMedia(requestBody.content)}`}
${requestExamples.map(renderExample).join("")}<h4>Answers</h4><div class="scroll"><table>
${Object.entries(responses).map(renderResponse).join("")}</table></div>
${Object.values(responses).flatMap(examplesOf).map(renderExample).join("")}</section>`;
}

function renderParameters(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return "";
  const rows = parameters.map(
    (parameter) =>
      `<tr><td><code>${escapeHtml(parameter.name)}</code></td><td>${parameter.in}</td><td>${renderType(parameter.schema)}</td><td>${escapeHtml(parameter.description)}</td></tr>`,
  );
  return `<h4>Parameters</h4><div class="scroll"><table>${rows.join("")}</table></div>`;
}

function renderMedia(content: Readonly<Record<string, { readonly schema: Schema }>>): string {
  return Object.entries(content)
    .map(([mediaType, { schema }]) => `<code>${escapeHtml(mediaType)}</code>: ${renderType(schema)}`)
    .join("<br>");
}

function renderResponse([status, response]: [string, OperationResponse]): string {
  const headers = Object.keys(response.headers ?? {}).map(
    (name) => ` Header <code>${escapeHtml(name)}</code>.`,
  );
  return `<tr><td>${status}</td><td>${escapeHtml(response.description)}${headers.join("")}</td><td>${renderMedia(response.content ?? {})}</td></tr>`;
}

function examplesOf(response: OperationResponse): unknown[] {
  return Object.values(response.content ?? {}).map(({ example }) => example);
}

function renderExample(example: unknown): string {
  if (example === undefined) return "";
  return `<pre>${escapeHtml(typeof example === "string" ? example.trimEnd() : JSON.stringify(example))}</pre>`;
}

function renderCode(code: ErrorCode): string {
  return `<tr id="problem-${code}"><td><code>${code}</code></td><td>${ERROR_STATUS[code]}</td><td>${escapeHtml(MEANINGS[code])}</td></tr>`;
}

function renderSchema([name, schema]: [string, Schema]): string {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(
    ([field, type]) =>
      `<tr><td><code>${escapeHtml(field)}</code>${required.has(field) ? "" : " <small>optional</small>"}</td><td>${renderType(type)}</td><td>${escapeHtml(type.description ?? "")}</td></tr>`,
  );
  const fields =
    rows.length === 0
      ? `<p>${renderType(schema)}</p>`
      : `<div class="scroll"><table>${rows.join("")}</table></div>`;
  const description = schema.description === undefined ? "" : `<p>${escapeHtml(schema.description)}</p>`;
  return `<section id="schema-${name}"><h3><code>${escapeHtml(name)}</code></h3>${description}${fields}</section>`;
}

function renderType(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
    return `<a href="#schema-${escapeHtml(name)}">${escapeHtml(name)}</a>`;
  }
  if (schema.oneOf !== undefined) return schema.oneOf.map(renderType).join(" or ");
  if (schema.const !== undefined) return `<code>${escapeHtml(JSON.stringify(schema.const))}</code>`;
  if (schema.enum !== undefined)
    return schema.enum.map((value) => `<code>${escapeHtml(value)}</code>`).join(" ");
  if (schema.type === "array" && schema.items !== undefined)
    return `array of ${renderType(schema.items)}${renderBounds(schema)}`;
  if (schema.pattern !== undefined) return `<code>${escapeHtml(schema.pattern)}</code>`;
  return `${schema.type ?? "any"}${renderBounds(schema)}`;
}

function renderBounds({ minimum, maximum, maxItems, maxLength, default: initial }: Schema): string {
  const parts = [
    minimum === undefined && maximum === undefined ? "" : ` ${minimum ?? ""}…${maximum ?? ""}`,
    maxItems === undefined ? "" : `, at most ${maxItems}`,
    maxLength === undefined ? "" : `, at most ${maxLength} characters`,
    initial === undefined ? "" : `, default ${initial}`,
  ];
  return escapeHtml(parts.join(""));
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
