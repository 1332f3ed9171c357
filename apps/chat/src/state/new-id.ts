/** A random id. Not `crypto.randomUUID`, which pages without https lack: they cannot run a model, but still show their conversations. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, "0")).join("");
}
