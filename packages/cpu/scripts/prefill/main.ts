/** Runs one contest in a worker, as the address says, and leaves the answer as `document.title`. */
const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
worker.addEventListener("message", ({ data }) => (document.title = JSON.stringify(data)));
worker.addEventListener("error", ({ message }) => (document.title = JSON.stringify({ error: message })));
worker.postMessage(Object.fromEntries(new URLSearchParams(location.search)));
