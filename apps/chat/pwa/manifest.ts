import type { ManifestOptions } from "vite-plugin-pwa";

/** Relative, as the page may lie under any path. */
const START = "./";

/** What a browser needs to know to install the page as an app. */
export const manifest: Partial<ManifestOptions> = {
  // No `id`: it would be resolved against the host's root, and two pages under different paths of one host would be one app. Without it
  // the start address names the app.
  start_url: START,
  scope: START,
  name: "Longtab",
  short_name: "Longtab",
  description: "A language model that lives on your own device. No account, no server, and it works offline.",
  lang: "en",
  dir: "ltr",
  categories: ["productivity", "utilities", "education"],
  display: "standalone",
  // Of the light scheme; the page's own <meta name="theme-color"> follows the scheme once it is shown.
  theme_color: "#faf8f5",
  background_color: "#faf8f5",
  icons: [
    { src: "icons/icon-192.png", sizes: "192x192", type: "image/png", purpose: "any" },
    { src: "icons/icon-512.png", sizes: "512x512", type: "image/png", purpose: "any" },
    { src: "icons/maskable-192.png", sizes: "192x192", type: "image/png", purpose: "maskable" },
    { src: "icons/maskable-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
    { src: "icons/monochrome-512.png", sizes: "512x512", type: "image/png", purpose: "monochrome" },
    { src: "icon.svg", sizes: "any", type: "image/svg+xml", purpose: "any" },
  ],
  screenshots: [
    { src: "screenshots/wide.png", sizes: "1280x800", type: "image/png", form_factor: "wide", label: "A conversation on a computer" },
    { src: "screenshots/narrow.png", sizes: "390x844", type: "image/png", form_factor: "narrow", label: "A conversation on a phone" },
  ],
  shortcuts: [{ name: "New chat", url: "./?new", icons: [{ src: "icons/icon-192.png", sizes: "192x192", type: "image/png" }] }],
  // A form sent by POST, which the service worker answers: nothing that is shared leaves the device.
  share_target: {
    action: "./share",
    method: "POST",
    enctype: "multipart/form-data",
    params: {
      title: "title",
      text: "text",
      url: "url",
      files: [{ name: "files", accept: [".gguf", ".txt", ".md", "text/plain", "text/markdown", "application/octet-stream"] }],
    },
  },
  file_handlers: [{ action: START, accept: { "application/octet-stream": [".gguf"] } }],
  // An answer may be being written in the window that is open.
  launch_handler: { client_mode: ["focus-existing", "auto"] },
};
