import { createPolicy, outsideRoom, planPages, planStubs } from "@longtab/attention";
import type { AwayPlaces, CacheShape, ContextOptions, SlabDisk } from "@longtab/attention";
import { closes, largestRecord, pagesBytes, storagesOf, stubsInRecord } from "@longtab/attention/webgpu";
import type { PageStorage } from "@longtab/attention/webgpu";
import { LongtabError } from "@longtab/errors";
import { parseGguf } from "@longtab/formats";
import { cacheShape, farBudget, largestContext, maxStepTokens, mostWindows, planPooled, readConfig } from "@longtab/model";
import { WeightStore } from "@longtab/weights";
import type { ContextPlan } from "./api.ts";
import { awayRoom } from "./away-disk.ts";
import { findCatalogueEntry } from "./catalogue.ts";
import { checkMemoryBudget, chooseContext, keptTokens } from "./context-choice.ts";
import { knownHeadMaps } from "./head-maps.ts";
import type { PlanRequest } from "./protocol.ts";

/** What of a model decides how much its conversations take. */
interface Facts {
  /** What its file calls itself. */
  name: string;
  shape: CacheShape;
  /** Tokens that it was trained for. */
  trained: number;
}

/**
 * What memory buys for a model that need not be loaded, nor downloaded where the catalogue knows it: estimated for a graphics card of any size.
 * @throws LongtabError `model-not-found` where nothing is known of the model, `invalid-option`, and what reading a stored header throws.
 */
export async function planContext({ model, context = "auto", memoryBudget }: PlanRequest): Promise<ContextPlan> {
  checkMemoryBudget(memoryBudget);
  const facts = await findFacts(model);
  const { options } = await chooseContext(context, facts.shape, knownHeadMaps("", facts.name, facts.shape));
  return planFor(facts, options, memoryBudget, await awayRoom());
}

async function findFacts(model: string): Promise<Facts> {
  const entry = findCatalogueEntry(model);
  if (entry) return { name: entry.nameInFile, shape: entry.shape, trained: entry.contextLength };
  const store = await WeightStore.open();
  if (!(await store.list()).some(({ id, complete }) => id === model && complete)) {
    throw new LongtabError({ code: "model-not-found", what: "Nothing is known of this model before it is stored", value: model });
  }
  const config = readConfig(await parseGguf(await store.openStored(model)));
  return { name: config.name, shape: cacheShape(config), trained: config.contextLength };
}

type Planned = ContextPlan & { stubs: number };

/** `away`: room beside the graphics card's memory for pages that move out of it. */
export function planFor(
  { shape, trained }: Omit<Facts, "name">,
  context: ContextOptions,
  memoryBudget?: number,
  away?: AwayPlaces<Pick<SlabDisk, "limit">>,
): ContextPlan {
  const { policy: name = "auto", runTokens = 4 } = context;
  const planOf = (tokens: number, pooled: number): Planned => {
    const policy = createPolicy(context, { trained, keeps: tokens, pooled });
    const storages = storagesOf(context, shape.layers, policy.selection && runTokens);
    const layers = planPages(shape, policy, { maxTokens: tokens, maxStep: maxStepTokens, closes: storages.every(closes), forks: 0 });
    const stubs = planStubs(shape, policy, maxStepTokens);
    const bytes = pagesBytes(shape, storages, (layer) => {
      const { open, closed } = layers[layer] ?? { open: 0, closed: 0 };
      return { open, closed: closed + Math.ceil((stubs[layer] ?? 0) / stubsInRecord(shape, storages[layer] as PageStorage)) };
    });
    const keeps = Math.max(...layers.flatMap((_, layer) => headsOf(shape).map((kvHead) => keptTokens(policy.rule(layer, kvHead)))));
    return {
      stubs: stubs.reduce((sum, ofLayer) => sum + ofLayer),
      bytes,
      keeps: Math.min(keeps, policy.endless ? Infinity : tokens),
      endless: policy.endless,
    };
  };
  const far = name === "auto" || name === "far";
  const budget = memoryBudget ?? (far ? farBudget : Infinity);
  const fits = ({ bytes }: Planned): boolean => bytes <= budget;
  const stored = storagesOf(context, shape.layers, runTokens);
  const room = far && away && stored.every(closes) ? outsideRoom(largestRecord(shape, stored), away) : 0;
  const plan = (tokens: number): Planned => planPooled(tokens, Infinity, room, (pooled) => planOf(tokens, pooled), fits);
  const tokens = largestContext(far ? mostWindows * trained : trained, plan, fits);
  const { bytes, keeps, endless } = plan(Math.max(tokens, 1));
  return { keeps, bytes, endless };
}

function headsOf({ kvHeads }: CacheShape): number[] {
  return Array.from({ length: kvHeads }, (_, kvHead) => kvHead);
}
