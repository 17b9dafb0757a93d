import { describe, expect, test } from "bun:test";
import { ERROR_CODES, ERROR_STATUS } from "@danmakud/wire";
import { createDocsPage } from "./docs-page.ts";
import { createOpenApi } from "./openapi.ts";
import type { Operation } from "./openapi-parts.ts";
import { createRoutes } from "./routes.ts";

const api = createOpenApi("1.2.3");
const docs = createDocsPage(api);
const html = String(docs.body);

function operations(): Operation[] {
  return Object.values(api.paths).flatMap((methods) => Object.values(methods));
}

describe("the API description", () => {
  test("has exactly the routes that are served", () => {
    const described = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = createRoutes({ openapi: "", docs }).map(({ method, path }) => `${method} ${path}`);
    expect(described.sort()).toEqual(served.sort());
  });

  test("refers to schemas that exist, and uses each of them", () => {
    const references = new Set(JSON.stringify(api).match(/#\/components\/schemas\/\w+/g));
    const names = Object.keys(api.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect([...references].sort()).toEqual(names.sort());
  });

  test("declares the parameters of every path, and no operation twice", () => {
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const { parameters = [] } of Object.values(methods)) {
        const declared = parameters
          .filter((parameter) => parameter.in === "path")
          .map(({ name }) => `{${name}}`);
        expect(declared).toEqual(path.match(/\{\w+\}/g) ?? []);
      }
    }
    const ids = operations().map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("says of every call that a foreign host or page is refused", () => {
    for (const { operationId, responses } of operations())
      expect([operationId, ...Object.keys(responses)]).toContain("403");
  });

  test("lists every status that a publish can be refused with", () => {
    const statuses = Object.keys(api.paths["/v1/rooms/{room}/danmaku"]?.post?.responses ?? {});
    for (const code of ERROR_CODES) {
      if (code !== "not_found") expect(statuses).toContain(String(ERROR_STATUS[code]));
    }
  });
});

describe("the page", () => {
  test("needs no other host and has no script", () => {
    expect(html).not.toMatch(/<script|https?:|\son\w+=/i);
  });

  test("has an anchor for every link within it and for every problem", () => {
    const anchors = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    for (const [, target] of html.matchAll(/href="#([^"]+)"/g)) expect(anchors).toContain(target);
    for (const code of ERROR_CODES) expect(anchors).toContain(`problem-${code}`);
  });
});
