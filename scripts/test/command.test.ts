import { expect, test } from "vitest";
import { run } from "../command.mjs";

const node = process.execPath;

test("captures output and exit status", async () => {
  const script = "console.log('out'); console.error('err'); process.exit(3)";
  expect(await run(node, ["-e", script], { output: "capture" })).toEqual({ status: 3, output: "out\nerr\n" });
});

test("reports a command that is not there as 127", async () => {
  expect((await run("no-such-command-here", [])).status).toBe(127);
});

// Windows has no process groups, and no `sleep`.
test.skipIf(process.platform === "win32")("ends a command with its children when the time is up", async () => {
  // The grandchild holds the output open: this would wait for it if only the child were ended.
  const script = "require('child_process').spawn('sleep', ['60'], { stdio: 'inherit' }); setInterval(() => {}, 1000)";
  const started = performance.now();
  expect((await run(node, ["-e", script], { output: "capture", seconds: 0.5 })).status).toBe(124);
  expect(performance.now() - started).toBeLessThan(10_000);
});
