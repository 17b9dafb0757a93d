/**
 * The type declarations of a package: its own and those of the packages whose code is bundled with it, in one folder that
 * refers to nothing outside.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { Glob } from "bun";

const ROOT = join(import.meta.dir, "..");
const IMPORT = /((?:from|import)\s*\(?\s*")([^"]+)(")/g;

/**
 * Declarations of `packages/NAME` by path: `client/index.d.ts`, `wire/record.d.ts` …; only what `entries` (files in its
 * `src`) lead to.
 * @throws Error where the compiler finds a fault.
 */
export function buildDeclarations(name: string, entries: readonly string[]): Map<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "danmakud-types-"));
  try {
    compile(name, entries, folder);
    const files = new Map<string, string>();
    for (const file of new Glob("*/src/**/*.d.ts").scanSync({ cwd: folder })) {
      const path = file.replace("/src/", "/");
      files.set(path, standAlone(readFileSync(join(folder, file), "utf8"), path));
    }
    return reachable(
      files,
      entries.map((entry) => `${name}/${entry.replace(/\.ts$/, ".d.ts")}`),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compile(name: string, entries: readonly string[], outDir: string): void {
  const config = join(outDir, "tsconfig.json");
  const settings = {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      stripInternal: true,
      outDir,
      rootDir: join(ROOT, "packages"),
      typeRoots: [join(ROOT, "node_modules/@types")],
      // By path: what is found in node_modules gets no declarations of its own.
      paths: { "@danmakud/*": [join(ROOT, "packages/*/src/index.ts")] },
    },
    files: entries.map((entry) => join(ROOT, "packages", name, "src", entry)),
    include: [],
  };
  writeFileSync(config, JSON.stringify(settings));
  const { exitCode, stdout, stderr } = Bun.spawnSync([join(ROOT, "node_modules/.bin/tsc"), "-p", config]);
  if (exitCode !== 0) throw new Error(`the declarations of ${name} do not compile:\n${stdout}${stderr}`);
}

/** Imports of other packages become paths, and those of sources the files that are there. */
function standAlone(text: string, path: string): string {
  return text.replace(IMPORT, (_all, before: string, target: string, after: string) => {
    const other = /^@danmakud\/([a-z]+)$/.exec(target)?.[1];
    const to = other === undefined ? target : relative(dirname(path), `${other}/index.ts`);
    return `${before}${(to.startsWith(".") ? to : `./${to}`).replace(/\.ts$/, ".js")}${after}`;
  });
}

function reachable(files: ReadonlyMap<string, string>, entries: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const text = files.get(path);
    if (text === undefined) throw new Error(`${path} is imported and was not made`);
    if (found.has(path)) continue;
    found.set(path, text);
    for (const [, , target = ""] of text.matchAll(IMPORT)) {
      queue.push(join(dirname(path), target).replace(/\.js$/, ".d.ts"));
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Writes declarations below a folder. */
export function writeDeclarations(files: ReadonlyMap<string, string>, folder: string): void {
  for (const [path, text] of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
