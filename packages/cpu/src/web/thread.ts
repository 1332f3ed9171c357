import type { ThreadInit } from "../host.ts";
import { instantiateKernels } from "../kernels.ts";

/** A helper of the team. From `join` on it hears nothing more from here; it is ended from outside. */
addEventListener("message", ({ data }: MessageEvent<ThreadInit>) => {
  instantiateKernels(data.module, data.memory)
    .then((kernels) => kernels.join())
    // A rejection would stay in here; an error is heard where the thread was started.
    .catch(reportError);
});
