import { promisifyRequest } from "idb-keyval";
import type { StoredModel } from "./contract.ts";
import { type ModelRecord, describeRecord, weightsDatabase } from "./record.ts";

/**
 * What is stored of one model, for pages that only want to say so: nothing is made where there is nothing. Undefined also where the browser does
 * not let the page look.
 */
export async function peekStored(id: string, database: string = weightsDatabase): Promise<StoredModel | undefined> {
  try {
    const request = indexedDB.open(database);
    // The database is not there yet: it shall not be after this either.
    request.addEventListener("upgradeneeded", () => request.transaction?.abort());
    const opened = await promisifyRequest(request);
    try {
      const store = opened.transaction("weights").objectStore("weights");
      const find = async (kind: string) => promisifyRequest<ModelRecord | undefined>(store.get([kind, id]));
      const [manifest, partial] = await Promise.all([find("manifest"), find("partial")]);
      const record = manifest ?? partial;
      return record && describeRecord(record, manifest !== undefined);
    } finally {
      opened.close();
    }
  } catch {
    return undefined;
  }
}
