/** Chromium's arguments for WebGPU on any machine and for tests that the network cannot disturb. */
export function browserArguments(): string[] {
  return [
    // Without it a headless Chromium offers no adapter that a processor plays.
    "--enable-unsafe-webgpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    // Chromium's sandbox refuses to run as root.
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  ];
}
