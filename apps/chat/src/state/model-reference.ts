/** What a person may type to name a model on the hub, and what `Longtab.load` is then given. */
export type ParsedReference = { reference: string; name: string } | { mistake: string };

const HUB_HOST = "huggingface.co";

/**
 * Accepts "owner/repo/file.gguf", the same with "hf:" before it or "@revision" behind the repo, and the address of a file's page or
 * download on huggingface.co. The page's security policy lets it reach no other host, so any other address is refused here, in words.
 */
export function parseReference(input: string): ParsedReference {
  const text = input.trim();
  if (text === "") return { mistake: "Enter a hub name such as owner/repo/file.gguf." };
  if (/^https?:/i.test(text)) return parseAddress(text);
  const path = text.replace(/^hf:(\/\/)?/i, "");
  const parts = path.split("/");
  if (parts.length < 3 || parts.some((part) => part === "" || /\s/.test(part))) {
    return { mistake: "A hub name has three parts: owner/repo/file.gguf." };
  }
  return checkFile(`hf:${path}`, path);
}

function parseAddress(text: string): ParsedReference {
  const address = readAddress(text);
  if (address === undefined) return { mistake: "This address is not complete." };
  const { host, parts } = address;
  if (host !== HUB_HOST && !host.endsWith(`.${HUB_HOST}`)) {
    return { mistake: `This page only downloads from ${HUB_HOST}. Download the file yourself and choose it from your device.` };
  }
  // OWNER/REPO/(blob|resolve)/REVISION/path/to/file.gguf
  const [owner, repo, verb, revision, ...file] = parts;
  if (owner === undefined || repo === undefined || revision === undefined || file.length === 0 || (verb !== "blob" && verb !== "resolve")) {
    return { mistake: "Open the .gguf file on the hub and copy the address of its page." };
  }
  const path = `${owner}/${repo}${revision === "main" ? "" : `@${revision}`}/${file.join("/")}`;
  return checkFile(`hf:${path}`, path);
}

function readAddress(text: string): { host: string; parts: string[] } | undefined {
  try {
    const { hostname, pathname } = new URL(text);
    const parts = pathname.split("/").filter((part) => part !== "");
    return { host: hostname, parts: parts.map(decodeURIComponent) };
  } catch {
    return undefined;
  }
}

function checkFile(reference: string, path: string): ParsedReference {
  const name = path.split("/").at(-1) ?? path;
  return /\.gguf$/i.test(name) ? { reference, name } : { mistake: "The file's name must end in .gguf." };
}
