import { fork } from "node:child_process";
import type { TaskAnswer, TaskInput, TaskName, TaskOutput } from "./tasks.ts";

/** Set for a child: main.ts then serves one task instead of running the bench. */
export const childVariable = "LONGTAB_BENCH_CHILD";

/** As much of a crashed child's output as helps to tell why. */
const outputKept = 2000;

/**
 * Runs a task in a process of its own, from the same script as this one.
 * @throws Error with the task's own message, or with how the process ended and the last that it printed.
 */
export async function inChild<Name extends TaskName>(name: Name, input: TaskInput<Name>): Promise<TaskOutput<Name>> {
  const script = process.argv[1] ?? "";
  const child = fork(script, [], { env: { ...process.env, [childVariable]: name }, stdio: ["ignore", "pipe", "pipe", "ipc"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-outputKept)));
  const answer = await new Promise<TaskAnswer>((resolve) => {
    child.once("message", (message) => resolve(message as TaskAnswer));
    child.once("error", ({ message }) => resolve({ error: message }));
    child.once("exit", (status, signal) =>
      resolve({ error: `the process ended with ${signal ?? `status ${status}`}. ${printed.trim()}`.trim() }),
    );
    child.send({ name, input });
  });
  if ("error" in answer) throw new Error(answer.error);
  return answer.output as TaskOutput<Name>;
}
