import { LongtabError } from "@longtab/errors";
import { findBlock } from "./policy.ts";

/**
 * Imports a part of Longtab's own code that is fetched when it is first needed.
 * @param name as the message says it: "The part of Longtab for the processor".
 * @throws LongtabError `network-failed`, `policy-blocked`
 */
export async function fetchPart<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw (
      (await findBlock("script-src")) ??
      new LongtabError({
        code: "network-failed",
        what: `${name} could not be fetched from this page's server`,
        remedy: "check the connection and try again",
        cause,
      })
    );
  }
}
