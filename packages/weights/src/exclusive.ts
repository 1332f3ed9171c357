import { aborted } from "./abort.ts";
import type { WeightsOptions, WeightsProgress } from "./contract.ts";

/**
 * Runs `work` in one tab at a time. A tab that waits hears the progress of the one that works, and takes its turn when that one is
 * done, has failed or is closed: the browser gives a closed tab's lock on. Where Web Locks are missing (insecure contexts) every tab
 * works for itself, which costs a second download but harms nothing.
 * `share` is to be called with every progress of `work`.
 * @throws `aborted`, also while waiting
 */
export async function exclusively<T>(
  name: string,
  options: WeightsOptions,
  work: (share: (progress: WeightsProgress) => void) => Promise<T>,
): Promise<T> {
  const { signal, onProgress } = options;
  const channel = new BroadcastChannel(name);
  const hear = ({ data }: MessageEvent<WeightsProgress>) => onProgress?.(data);
  channel.addEventListener("message", hear);
  const turn = async () => {
    channel.removeEventListener("message", hear);
    return work((progress) => {
      channel.postMessage(progress);
      onProgress?.(progress);
    });
  };
  const locks = (navigator as Partial<Navigator>).locks;
  try {
    return locks === undefined ? await turn() : await locks.request(name, signal === undefined ? {} : { signal }, turn);
  } catch (error) {
    if (signal?.aborted === true) throw aborted(error);
    throw error;
  } finally {
    channel.close();
  }
}
