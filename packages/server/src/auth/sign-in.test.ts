import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Principal } from "@danmakud/core/rooms";
import { DanmakuError, ROLES } from "@danmakud/wire";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { type Authenticator, createAuthenticator, DevSignIn, JwtSignIn, readSecret } from "./index.ts";

const SECRET = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
const NOW = 1_700_000_000_000;

function signIn(auth: Authenticator, query = "", headers: Record<string, string> = {}): Promise<Principal> {
  const url = new URL(`http://node.example/v1/rooms/1/ws${query}`);
  return auth.authenticate(new Request(url, { headers }), url);
}

async function codeOf(attempt: Promise<Principal>): Promise<string> {
  try {
    return JSON.stringify(await attempt);
  } catch (error) {
    if (error instanceof DanmakuError) return error.code;
    throw error;
  }
}

function hs256(claims: JWTPayload, secret = SECRET): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(secret);
}

describe("DevSignIn", () => {
  const auth = new DevSignIn(() => 0.5);

  test("uid and role from the query; a guest and viewer without", async () => {
    expect(await signIn(auth, "?uid=u1&role=moderator")).toEqual({ uid: "u1", role: "moderator" });
    const guest = await signIn(new DevSignIn());
    expect(guest.uid).toMatch(/^guest-[a-z0-9]{6}$/);
    expect(guest.role).toBe("viewer");
  });

  test.each([...ROLES])("role %s", async (role) => {
    expect((await signIn(auth, `?role=${role}`)).role).toBe(role);
  });

  test.each([
    "?uid=",
    "?uid=a%20b",
    "?uid=a%00",
    `?uid=${"a".repeat(65)}`,
    "?role=",
    "?role=root",
    "?role=Admin",
  ])("%s is refused", async (query) => expect(await codeOf(signIn(auth, query))).toBe("invalid_message"));

  test("64 characters are a uid", async () => {
    expect((await signIn(auth, `?uid=${"a".repeat(64)}`)).uid).toHaveLength(64);
  });
});

describe("JwtSignIn with a secret", () => {
  const auth = new JwtSignIn({ secret: SECRET, now: () => NOW });

  test("the token from the header, a subprotocol entry, the query, in this order", async () => {
    const [a, b, c] = await Promise.all([hs256({ sub: "a" }), hs256({ sub: "b" }), hs256({ sub: "c" })]);
    const authorization = `bearer ${a}`;
    const protocols = { "sec-websocket-protocol": `danmaku.json.v1, bearer.${b}` };
    expect((await signIn(auth, `?token=${c}`, { authorization, ...protocols })).uid).toBe("a");
    expect((await signIn(auth, `?token=${c}`, protocols)).uid).toBe("b");
    expect((await signIn(auth, `?token=${c}&uid=x&role=admin`)).uid).toBe("c");
  });

  test("claims become the principal; viewer and all rooms by default", async () => {
    const token = await hs256({ sub: "u1", name: " One ", role: "moderator", rooms: ["1", "2"] });
    expect(await signIn(auth, `?token=${token}`)).toEqual({
      uid: "u1",
      name: "One",
      role: "moderator",
      rooms: ["1", "2"],
    });
    expect(await signIn(auth, `?token=${await hs256({ sub: "u1" })}`)).toEqual({ uid: "u1", role: "viewer" });
  });

  test("a display name that danmaku may not carry is left off", async () => {
    for (const name of ["", "\u202eevil", "x".repeat(33), 7]) {
      expect(await signIn(auth, `?token=${await hs256({ sub: "u1", name })}`)).toEqual({
        uid: "u1",
        role: "viewer",
      });
    }
  });

  test("claims that are not what they should be", async () => {
    const wrong: JWTPayload[] = [
      {},
      { sub: "" },
      { sub: "a b" },
      { sub: "u", role: "root" },
      { sub: "u", role: 1 },
      { sub: "u", rooms: "1" },
      { sub: "u", rooms: ["a/b"] },
      { sub: "u", rooms: Array.from({ length: 1001 }, (_, i) => `r${i}`) },
    ];
    for (const claims of wrong)
      expect(await codeOf(signIn(auth, "", await bearer(claims)))).toBe("unauthorized");
  });

  test("exp at its border", async () => {
    const seconds = NOW / 1000;
    expect(await codeOf(signIn(auth, "", await bearer({ sub: "u", exp: seconds + 1 })))).toContain('"u"');
    expect(await codeOf(signIn(auth, "", await bearer({ sub: "u", exp: seconds })))).toBe("unauthorized");
    expect(await codeOf(signIn(auth, "", await bearer({ sub: "u", nbf: seconds + 1 })))).toBe("unauthorized");
  });

  test("no token, no bearer, another secret, no signature, another algorithm, garbage, too long", async () => {
    const none = `${btoa('{"alg":"none"}').replaceAll("=", "")}.${btoa('{"sub":"u"}').replaceAll("=", "")}.`;
    const other = await hs256({ sub: "u" }, new TextEncoder().encode("another secret that is long enough"));
    const hs512 = await new SignJWT({ sub: "u" })
      .setProtectedHeader({ alg: "HS512" })
      .sign(new Uint8Array(64));
    for (const token of [none, other, hs512, "x", "a.b.c", "..", "x".repeat(8193)]) {
      expect(await codeOf(signIn(auth, `?token=${token}`))).toBe("unauthorized");
    }
    expect(await codeOf(signIn(auth))).toBe("unauthorized");
    expect(await codeOf(signIn(auth, "", { authorization: "Basic dTpw" }))).toBe("unauthorized");
    expect(await codeOf(signIn(auth, "", { "sec-websocket-protocol": "bearer." }))).toBe("unauthorized");
  });

  test("an audience, where one is required", async () => {
    const strict = new JwtSignIn({ secret: SECRET, audience: "danmaku", now: () => NOW });
    expect(await codeOf(signIn(strict, "", await bearer({ sub: "u", aud: ["x", "danmaku"] })))).toContain(
      '"u"',
    );
    expect(await codeOf(signIn(strict, "", await bearer({ sub: "u", aud: "x" })))).toBe("unauthorized");
    expect(await codeOf(signIn(strict, "", await bearer({ sub: "u" })))).toBe("unauthorized");
  });

  async function bearer(claims: JWTPayload): Promise<Record<string, string>> {
    return { authorization: `Bearer ${await hs256(claims)}` };
  }
});

describe("JwtSignIn with published keys", () => {
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;
  let published: object = { keys: [] };
  let status = 200;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.json(published, { status }),
  });
  const jwks = new URL(`http://127.0.0.1:${server.port}/jwks`);

  beforeAll(async () => {
    keys = await generateKeyPair("ES256", { extractable: true });
    published = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: "k1", alg: "ES256" }] };
  });
  afterAll(() => server.stop(true));

  function es256(kid: string): Promise<string> {
    return new SignJWT({ sub: "u" }).setProtectedHeader({ alg: "ES256", kid }).sign(keys.privateKey);
  }

  test("a known key signs in, an unknown one and the shared-secret algorithm do not", async () => {
    const auth = new JwtSignIn({ jwks });
    expect((await signIn(auth, `?token=${await es256("k1")}`)).uid).toBe("u");
    expect(await codeOf(signIn(auth, `?token=${await es256("k2")}`))).toBe("unauthorized");
    expect(await codeOf(signIn(auth, `?token=${await hs256({ sub: "u" })}`))).toBe("unauthorized");
  });

  test("both: HS256 by the secret, the rest by the keys", async () => {
    const auth = new JwtSignIn({ jwks, secret: SECRET });
    expect((await signIn(auth, `?token=${await es256("k1")}`)).uid).toBe("u");
    expect((await signIn(auth, `?token=${await hs256({ sub: "h" })}`)).uid).toBe("h");
  });

  test("a key server that fails or is gone makes sign-in unavailable, not refused", async () => {
    status = 500;
    expect(await codeOf(signIn(new JwtSignIn({ jwks }), `?token=${await es256("k1")}`))).toBe("unavailable");
    status = 200;
    const gone = new URL("http://127.0.0.1:1/jwks");
    expect(await codeOf(signIn(new JwtSignIn({ jwks: gone }), `?token=${await es256("k1")}`))).toBe(
      "unavailable",
    );
    expect(await codeOf(signIn(new JwtSignIn({ jwks: gone }), "?token=garbage"))).toBe("unauthorized");
  });
});

describe("createAuthenticator", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "danmakud-auth-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("the secret is the file without line breaks at its end; a short one is warned of", async () => {
    const file = join(folder, "secret");
    await writeFile(file, "short\r\n\n");
    expect(new TextDecoder().decode(await readSecret(file))).toBe("short");
    const warnings: string[] = [];
    await createAuthenticator({ dev: false, authSecretFile: file }, (warning) => warnings.push(warning));
    expect(warnings).toHaveLength(1);
  });

  test("an empty, absent or huge secret is one clear error", async () => {
    const file = join(folder, "empty");
    await writeFile(file, "\n");
    expect(readSecret(file)).rejects.toThrow("is empty");
    expect(readSecret(join(folder, "absent"))).rejects.toThrow("cannot read");
    await writeFile(file, new Uint8Array(65_537));
    expect(readSecret(file)).rejects.toThrow("65537 bytes");
  });

  test("--dev asks for no token", async () => {
    const auth = await createAuthenticator({ dev: true });
    expect((await signIn(auth, "?uid=u1")).uid).toBe("u1");
  });
});
