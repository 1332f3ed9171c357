import { chooseBackend } from "./choose-backend.ts";
import { measureContext } from "./measure-context.ts";
import { measureDrafts } from "./measure-drafts.ts";
import { measureKernels } from "./measure-kernels.ts";
import { measureProducts } from "./measure-products.ts";
import { profileCpu } from "./profile-cpu.ts";
import { profileGpu } from "./profile-gpu.ts";
import { runLlamaCpp } from "./run-llama-cpp.ts";
import { runLongtab } from "./run-longtab.ts";

/** What runs in a process of its own: it starts fresh, its memory is its own, and when a driver crashes the bench goes on. */
const tasks = {
  backend: chooseBackend,
  kernels: measureKernels,
  products: measureProducts,
  longtab: runLongtab,
  context: measureContext,
  "profile-gpu": profileGpu,
  "profile-cpu": profileCpu,
  drafts: measureDrafts,
  "llama.cpp": runLlamaCpp,
};

type Tasks = typeof tasks;
export type TaskName = keyof Tasks;
export type TaskInput<Name extends TaskName> = Parameters<Tasks[Name]>[0];
export type TaskOutput<Name extends TaskName> = Awaited<ReturnType<Tasks[Name]>>;

/** What the parent process sends and is answered. */
export interface TaskRequest {
  name: TaskName;
  input: unknown;
}
export type TaskAnswer = { output: unknown } | { error: string };

/** Serves one request of the parent process, then ends. */
export function serveTask(): void {
  process.once("message", ({ name, input }: TaskRequest) => {
    void answer(name, input).then((message) => process.send?.(message, undefined, undefined, () => process.exit()));
  });
}

async function answer(name: TaskName, input: unknown): Promise<TaskAnswer> {
  try {
    // `inChild` has checked that name and input belong together.
    const task = tasks[name] as (input: unknown) => Promise<unknown>;
    return { output: await task(input) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
