/**
 * `sh scripts/with-bun scripts/api-reference.ts [--check]`: writes docs/api from the docstrings of what the libraries export.
 * With `--check` it writes nothing and fails where a page is not level with the code.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { buildDeclarations } from "./build-declarations.ts";

const ROOT = join(import.meta.dir, "..");

interface Reference {
  /** Page below docs/api. */
  readonly page: string;
  readonly title: string;
  readonly folder: string;
  readonly entry: string;
}

const REFERENCES: readonly Reference[] = [
  { page: "client.md", title: "@danmakud/client", folder: "client", entry: "index.ts" },
  {
    page: "client-formats.md",
    title: "@danmakud/client/formats",
    folder: "client",
    entry: "formats/index.ts",
  },
  { page: "overlay.md", title: "@danmakud/overlay", folder: "overlay", entry: "index.ts" },
];

/** One exported declaration. */
interface Item {
  readonly name: string;
  readonly doc: string;
  readonly code: string;
}

/** All pages by their path from the root of the repository. */
export function apiReference(): Map<string, string> {
  const pages = new Map<string, string>();
  for (const reference of REFERENCES) {
    const files = buildDeclarations(reference.folder, [reference.entry]);
    pages.set(`docs/api/${reference.page}`, render(reference, files));
  }
  return pages;
}

function render({ title, folder, entry }: Reference, files: ReadonlyMap<string, string>): string {
  const start = `${folder}/${entry.replace(/\.ts$/, ".d.ts")}`;
  const items = [...exportsOf(start, files)].map(([name, path]) => itemOf(name, files.get(path) ?? ""));
  const about = docText(/^\/\*\*[\s\S]*?\*\//.exec(files.get(start) ?? "")?.[0] ?? "");
  const classes = items.filter(({ code }) => code.includes(" class "));
  const ordered = [...classes, ...items.filter((item) => !classes.includes(item))];
  const toc = ordered.map(({ name }) => `[${name}](#${name.toLowerCase()})`).join(" · ");
  const sections = ordered.map(({ name, doc, code }) =>
    [`## ${name}`, doc, `\`\`\`ts\n${code}\n\`\`\``].filter((part) => part !== "").join("\n\n"),
  );
  const note = "Made from the docstrings by `scripts/api-reference.ts`; edit those.";
  return `${[`# ${title}`, about, note, toc, ...sections].filter((part) => part !== "").join("\n\n")}\n`;
}

/** Names that a module exports, each with the file that declares it. */
function exportsOf(path: string, files: ReadonlyMap<string, string>): Map<string, string> {
  const text = files.get(path);
  if (text === undefined) throw new Error(`no declarations of ${path}`);
  const found = new Map<string, string>();
  for (const [, name = ""] of text.matchAll(
    /^export (?:declare )?(?:abstract )?(?:class|interface|type|function|const) (\w+)/gm,
  )) {
    found.set(name, path);
  }
  for (const [, list = "", target = ""] of text.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm)) {
    const other = exportsOf(join(dirname(path), target).replace(/\.js$/, ".d.ts"), files);
    for (const name of list.split(",").map((part) => part.trim().replace(/^type /, ""))) {
      const declaredIn = other.get(name);
      if (name !== "" && declaredIn !== undefined) found.set(name, declaredIn);
    }
  }
  for (const [, target = ""] of text.matchAll(/^export \* from "([^"]+)"/gm)) {
    const other = exportsOf(join(dirname(path), target).replace(/\.js$/, ".d.ts"), files);
    for (const [name, declaredIn] of other) found.set(name, declaredIn);
  }
  return found;
}

function itemOf(name: string, text: string): Item {
  const start = new RegExp(
    `^export (?:declare )?(?:abstract )?(?:class|interface|type|function|const) ${name}\\b`,
    "m",
  ).exec(text);
  if (start === null) throw new Error(`${name} is not declared where it should be`);
  const doc = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(text.slice(0, start.index))?.[0] ?? "";
  const code = declaration(text.slice(start.index))
    .replace(/^export (?:declare )?/, "")
    .replace(/^ {4}#private;\n/m, "")
    .replace(/^( {4})+/gm, (indent) => "  ".repeat(indent.length / 4));
  return { name, doc: docText(doc), code };
}

/** A declaration up to the brace or semicolon that ends it. */
function declaration(text: string): string {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text.startsWith("/*", at)) at = text.indexOf("*/", at) + 1;
    const sign = text[at] ?? "";
    if ("{([".includes(sign)) depth++;
    if ("})]".includes(sign)) depth--;
    const isBlock = sign === "}" && depth === 0 && !/^(?:export )?(?:declare )?(?:type|const)/.test(text);
    if (isBlock || (sign === ";" && depth === 0)) return text.slice(0, at + 1);
  }
  return text;
}

/** The text of a docstring as Markdown. */
function docText(comment: string): string {
  return comment
    .replace(/^\/\*\*\s?|\s*\*\/\s*$/g, "")
    .replace(/^[ \t]*\* ?/gm, "")
    .replace(/^@param (\w+) /gm, "\n- `$1`: ")
    .replace(/^@returns? /gm, "\nReturns ")
    .replace(/^@throws (\w+) /gm, "\nThrows `$1`: ")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

function main(argv: readonly string[]): void {
  const check = argv.includes("--check");
  for (const [path, text] of apiReference()) {
    const file = join(ROOT, path);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    if (check) {
      console.error(`${path} is not level with the code: sh scripts/with-bun scripts/api-reference.ts`);
      process.exitCode = 1;
      continue;
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`wrote ${relative(ROOT, file)}`);
  }
}

if (import.meta.main) main(process.argv.slice(2));
