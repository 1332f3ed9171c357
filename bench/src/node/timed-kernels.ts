import type { CpuBackend } from "@longtab/cpu";
import { openClock } from "./clock.ts";
import type { Clock } from "./clock.ts";
import type { PartTime } from "./decode-profile.ts";

type CpuModel = CpuBackend["model"];
type Kernels = CpuModel["kernels"];

/**
 * The time of a model's kernels by kind of operation. The leader comes back from a call when the whole team is done, so a call's wall time is
 * the operation's; the clock takes some tens of microseconds of a step.
 */
export class TimedKernels {
  readonly #times = new Map<string, PartTime>();
  readonly #clock: Clock;
  readonly #products: ReadonlyMap<number, string>;

  /** From now on `model` computes through the clock. */
  constructor(model: CpuModel, clock: Clock = openClock("wall")) {
    this.#clock = clock;
    this.#products = productNames(model);
    const { kernels } = model;
    model.kernels = {
      ...kernels,
      embed: (...values) => this.#time("embedding", () => kernels.embed(...values)),
      norm: (...values) => this.#time("norms, with their rows quantised", () => kernels.norm(...values)),
      quantise: (...values) => this.#time("quantising rows", () => kernels.quantise(...values)),
      siluMul: (...values) => this.#time("SiLU and multiply, quantised", () => kernels.siluMul(...values)),
      append: (...values) => this.#time("rotating, appending keys and values", () => kernels.append(...values)),
      select: (...values) => this.#time("selecting runs", () => kernels.select(...values)),
      attend: (...values) => this.#time("attention", () => kernels.attend(...values)),
      close: (...values) => this.#time("closing pages", () => kernels.close(...values)),
      product: (tiles, ...rest) => this.#time(this.#products.get(tiles) ?? "product", () => kernels.product(tiles, ...rest)),
    } satisfies Kernels;
  }

  /** What was measured since the last call. */
  take(): PartTime[] {
    const times = [...this.#times.values()];
    this.#times.clear();
    return times;
  }

  #time(name: string, work: () => void): void {
    const started = this.#clock();
    work();
    const milliseconds = this.#clock() - started;
    const time = this.#times.get(name);
    if (time) {
      time.calls++;
      time.milliseconds += milliseconds;
    } else this.#times.set(name, { name, calls: 1, milliseconds });
  }
}

/** Which matrix a product multiplies with, by where its tiles lie. */
function productNames({ weights }: CpuModel): Map<number, string> {
  const matrices = [
    ...weights.layers.flatMap(({ qkv, attentionOutput, gateUp, down }) => [
      { name: "product: query, key, value", weight: qkv },
      { name: "product: attention output", weight: attentionOutput },
      { name: "product: gate, up", weight: gateUp },
      { name: "product: down", weight: down },
    ]),
    { name: "product: output head", weight: weights.head },
  ];
  return new Map(matrices.flatMap(({ name, weight }) => weight.parts.map(({ tiles }) => [tiles, name] as const)));
}
