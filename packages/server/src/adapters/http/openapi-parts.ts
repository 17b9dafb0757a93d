/** What the description of the HTTP face is made of: its types, and the parameters and answers that many calls share. */
import { ID_MAX, PAGE_RECORDS_MAX } from "@danmakud/wire";
import { PAGE_DEFAULT } from "./limits.ts";
import { ref, type Schema } from "./openapi-schemas.ts";

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description: string;
  readonly schema: Schema;
}

interface MediaTypes {
  readonly [mediaType: string]: { readonly schema: Schema; readonly example?: unknown };
}

export interface OperationResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: Schema }>>;
  readonly content?: MediaTypes;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly [];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: MediaTypes };
  readonly responses: Readonly<Record<string, OperationResponse>>;
}

/** An OpenAPI 3.1 document, as far as this one uses it. */
export interface OpenApi {
  readonly openapi: "3.1.0";
  readonly info: Readonly<Record<"title" | "version" | "summary" | "description", string>> & {
    readonly license: Readonly<Record<"name" | "identifier", string>>;
  };
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly paths: Readonly<
    Record<string, Readonly<Partial<Record<"get" | "post" | "put" | "patch" | "delete", Operation>>>>
  >;
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly schemas: Readonly<Record<string, Schema>>;
  };
}

export const PUBLIC = [] as const;

export const ROOM: Parameter = {
  name: "room",
  in: "path",
  required: true,
  description: "Opens on the first join or publish; reading does not create one.",
  schema: ref("Name"),
};

export function query(name: string, description: string, schema: Schema): Parameter {
  return { name, in: "query", description, schema };
}

export const AFTER = query("after", "Everything above this offset.", {
  type: "integer",
  minimum: 0,
  maximum: ID_MAX,
});
export const LAST: Schema = { type: "integer", minimum: 0, maximum: PAGE_RECORDS_MAX };
export const LIMIT = query("limit", "How many at most.", {
  type: "integer",
  minimum: 1,
  maximum: PAGE_RECORDS_MAX,
  default: PAGE_DEFAULT,
});
const DEV_UID = query("uid", "With --dev only: who one is; a guest without it.", ref("Name"));
const DEV_ROLE = query("role", "With --dev only.", {
  type: "string",
  enum: ["viewer", "member", "moderator", "service", "admin"],
  default: "viewer",
});
const TOKEN = query(
  "token",
  "The token, where no header can be sent. Headers are better: addresses end up in logs.",
  {
    type: "string",
  },
);
export const SIGN_IN = [DEV_UID, DEV_ROLE, TOKEN] as const;

export function json(schema: Schema, description: string, example?: unknown): OperationResponse {
  const content = example === undefined ? { schema } : { schema, example };
  return { description, content: { "application/json": content } };
}

export function problem(description: string, retry = false): OperationResponse {
  const headers = {
    "Retry-After": { description: "Seconds.", schema: { type: "integer", minimum: 1 } satisfies Schema },
  };
  const content = { "application/problem+json": { schema: ref("Problem") } };
  return retry ? { description, headers, content } : { description, content };
}

const INVALID = problem("Broken JSON, a field or a number out of range: invalid_message.");
const UNAUTHORIZED = problem("No token, or none that holds: unauthorized.");
const UNAVAILABLE = problem("overloaded or unavailable.", true);
export const ROOM_FORBIDDEN = problem(
  "The token does not open this room, or a foreign page asks: forbidden.",
);
export const ROOM_NOT_FOUND = problem("There is no such room: not_found.");

/** Refusals of every path that signs in. */
export const COMMON = { "400": INVALID, "401": UNAUTHORIZED, "503": UNAVAILABLE } as const;
