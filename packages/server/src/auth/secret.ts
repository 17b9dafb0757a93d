import { readFile, stat } from "node:fs/promises";
import { SECRET_FILE_BYTES_MAX } from "./limits.ts";

/**
 * Reads the HS256 secret: the bytes of the file without line breaks at its end, since editors and `echo` add one.
 * @throws Error with a message for the operator where the file cannot be read, is empty or is far too large.
 */
export async function readSecret(file: string): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    const { size } = await stat(file);
    if (size > SECRET_FILE_BYTES_MAX)
      throw new Error(`it has ${size} bytes, at most ${SECRET_FILE_BYTES_MAX} are read`);
    bytes = new Uint8Array(await readFile(file));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot read the secret for tokens from ${file}: ${why}`, { cause: error });
  }
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  if (end === 0)
    throw new Error(`the secret for tokens in ${file} is empty; write at least 32 random bytes into it`);
  return bytes.slice(0, end);
}
