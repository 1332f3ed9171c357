import { duoPolicy } from "./masks.ts";
import type { HeadIndex, HeadSettings } from "./masks.ts";
import type { Loss, Probe } from "./probe.ts";
import { total } from "./rank-heads.ts";

export interface ChooseOptions {
  /** Most heads that shall stream. */
  most: number;
  /** Most that may be lost in all, in nats; answers must stay as right as they were. */
  limit: number;
  signal?: AbortSignal | undefined;
  onProgress?: ((streaming: number, most: number) => void) | undefined;
}

export interface Choice {
  streaming: Set<HeadIndex>;
  loss: Loss;
}

/**
 * Lets heads stream one after another, in the order given, as long as the loss of all of them together holds; a head that would break it goes on
 * reading everything, and the next is tried.
 */
export async function chooseHeads(
  probe: Probe,
  settings: HeadSettings,
  order: readonly HeadIndex[],
  { most, limit, signal, onProgress }: ChooseOptions,
): Promise<Choice> {
  let streaming = new Set<HeadIndex>();
  let loss = await probe.measure(duoPolicy(settings, streaming), signal);
  const right = loss.right;
  for (const head of order) {
    if (streaming.size >= most) break;
    onProgress?.(streaming.size, most);
    const more = new Set([...streaming, head]);
    const found = await probe.measure(duoPolicy(settings, more), signal);
    if (total(found) > limit || found.right < right) continue;
    [streaming, loss] = [more, found];
  }
  return { streaming, loss };
}
