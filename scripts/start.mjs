// npm start [-- --port N] [--host ADDRESS] [--dev]      the chat page and the widget, from nothing: install, fetch the model, build, serve.

import { parseArgs } from "node:util";
import { buildChat, dist } from "./build-chat.mjs";
import { buildEmbed } from "./build-embed.mjs";
import { buildKernels } from "./build-kernels.mjs";
import { modelsFolder } from "./catalogue.mjs";
import { fetchModel } from "./fetch-model.mjs";
import { installDependencies } from "./install.mjs";
import { serve } from "./serve.mjs";
import { root, say } from "./workspace.mjs";

const FIRST_PORT = 5173;
const PORTS_TO_TRY = 20;

try {
  const { port, host, dev } = options();
  await installDependencies();
  await fetchModel().catch((/** @type {unknown} */ error) => {
    say(`${words(error)}\nThe page starts without it, and can fetch a model itself or take a file that you drop on it.`);
  });
  const ports = port === undefined ? Array.from({ length: PORTS_TO_TRY }, (_, i) => FIRST_PORT + i) : [port];
  const served = dev ? await serveSources(host, ports) : await serveBuilt(host, ports);
  say(`\nLongtab is at  ${served.url}\n\nOpen it in a current browser (Chrome, Edge, Safari, Firefox). Ctrl-C ends it.`);
  if (!dev) say(`Any page of yours has the chat by  <script type="module" src="${served.url}embed/longtab-chat.js"></script>`);
  if (!["127.0.0.1", "::1", "localhost"].includes(host)) {
    say(
      "From another machine a browser offers WebGPU and several threads only over https or through a tunnel to localhost, such as `ssh -L`; " +
        "without them one thread of the processor answers.",
    );
  }
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => void served.close().finally(() => process.exit(0)));
  }
} catch (error) {
  say(words(error));
  process.exit(1);
}

/** Port and host: the command line, then PORT, then the defaults. */
function options() {
  const { values } = parseArgs({
    options: { port: { type: "string" }, host: { type: "string", default: "127.0.0.1" }, dev: { type: "boolean", default: false } },
  });
  const text = values.port ?? (process.env["PORT"] || undefined);
  const port = text === undefined ? undefined : Number(text);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw new Error(`The port must be a number from 0 to 65535, not "${text}".`);
  return { port, host: values.host, dev: values.dev };
}

/** The page as it is built, and the widget for other pages under /embed/. @param {string} host @param {number[]} ports */
async function serveBuilt(host, ports) {
  await buildChat();
  await buildEmbed();
  return serve({ dist, models: modelsFolder(), host, ports });
}

/**
 * Vite's own server, which compiles sources as they are asked for and reloads the page when they change.
 * @param {string} host @param {number[]} ports
 */
async function serveSources(host, ports) {
  await buildKernels();
  const { createServer } = await import("vite");
  const { ISOLATION_HEADERS, pathOf, sendModel } = await import("./serve.mjs");
  const [port = FIRST_PORT] = ports;
  /** @type {import("vite").Connect.NextHandleFunction} */
  const modelsFirst = (request, response, next) => {
    const path = pathOf(request);
    if (path?.startsWith("/models/")) sendModel(request, response, modelsFolder(), path).catch(next);
    else next();
  };
  const server = await createServer({
    root: `${root}/apps/chat`,
    configFile: `${root}/vite.config.ts`,
    server: { host, port, strictPort: ports.length === 1, headers: ISOLATION_HEADERS },
    plugins: [{ name: "longtab-models", configureServer: ({ middlewares }) => void middlewares.use(modelsFirst) }],
  });
  await server.listen();
  const url = server.resolvedUrls?.local[0] ?? server.resolvedUrls?.network[0] ?? `http://${host}:${port}/`;
  return { url, close: () => server.close() };
}

/** @param {unknown} error */
function words(error) {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE")
    return "The port is in use by another program: choose another with `npm start -- --port N`, or end that program.";
  if (code === "EACCES") return "This port may not be used: choose one above 1023 with `npm start -- --port N`.";
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return "This machine has no such address: leave --host away, or use 0.0.0.0 for all.";
  if (code === "ENOSPC") return "The disk is full.";
  return error.message;
}
