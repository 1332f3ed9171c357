import type { BackendChoice, BackendKind } from "longtab";
import { Placement } from "longtab/placement";
import { nodeGpu } from "./open-backend.ts";

/** Where a model would begin to load in Node. */
export async function chooseBackend({ choice }: { choice: BackendChoice }): Promise<BackendKind> {
  if (choice !== "auto") return choice;
  const placement = await Placement.find(choice, { gpu: nodeGpu() });
  placement.dispose();
  return placement.decision.backend;
}
