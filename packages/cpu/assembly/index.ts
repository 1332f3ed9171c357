// What the leader calls, and what a job's kind leads to.

import { performAppend } from "./append";
import { performAttend, performCombine } from "./attention";
import { performClose } from "./close";
import { performEmbed } from "./embed";
import { APPEND, ATTEND, CLOSE, COMBINE, EMBED, NORM, PRODUCT, QUANTISE, RANK, RELAY, SCORE, SILU } from "./jobs";
import { performProduct } from "./product";
import { performNorm, performQuantise, performSiluMul } from "./quantise";
import { performRelay } from "./relay";
import { performRank } from "./select/rank";
import { performScore } from "./select/take";

export { join, setHelpers } from "./team";
export { append, queriesBytes } from "./append";
export { attend, attentionScratchBytes } from "./attention";
export { close } from "./close";
export { pageBytes, setPages } from "./pages";
export { landmarkBytes } from "./select/landmarks";
export { looksBytes } from "./select/looks";
export { shortlistBytes } from "./select/shortlist";
export { select, selectionScratchBytes } from "./select/select";
export { relay } from "./relay";
export { embed } from "./embed";
export { inputBits, inputBlockBytes, norm, quantise, siluMul } from "./quantise";
export { product, productScratch } from "./product";

/** One item of a job. */
export function perform(kind: i32, item: i32): void {
  switch (kind) {
    case QUANTISE:
      performQuantise(item);
      break;
    case NORM:
      performNorm(item);
      break;
    case SILU:
      performSiluMul(item);
      break;
    case PRODUCT:
      performProduct(item);
      break;
    case EMBED:
      performEmbed(item);
      break;
    case RELAY:
      performRelay(item);
      break;
    case APPEND:
      performAppend(item);
      break;
    case ATTEND:
      performAttend(item);
      break;
    case COMBINE:
      performCombine(item);
      break;
    case CLOSE:
      performClose(item);
      break;
    case RANK:
      performRank(item);
      break;
    case SCORE:
      performScore(item);
      break;
    default:
      unreachable();
  }
}
