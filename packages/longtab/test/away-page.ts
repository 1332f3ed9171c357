import { OutsidePages } from "@longtab/attention/away";
import { createStore, keys } from "idb-keyval";
import { StoredSlabs } from "../src/away-disk.ts";

const database = "longtab-away";

/** What became of pages that were put outside. */
export interface Filled {
  memory: number;
  disk: number;
  /** Pages that there was room for, and those that were read back as they were. */
  added: number;
  right: number;
}

/** A page of which each word says which it is. */
function makePage(pageBytes: number, index: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint32Array.from({ length: pageBytes / 4 }, (_, word) => index * 1000 + word).buffer);
}

/** The page that the browser tests drive: where pages of long conversations go, with plain data in and out. */
class AwayPage {
  #outside: OutsidePages | undefined;

  /** Puts so many pages outside and reads all of them again. */
  async fill(count: number, pageBytes: number, memory: number, most: number): Promise<Filled> {
    const outside = new OutsidePages(pageBytes, { memory, disk: await StoredSlabs.open(database, most) });
    this.#outside = outside;
    const pages: number[] = [];
    for (let index = 0; index < count; index++) {
      if (outside.room) pages.push(outside.add(makePage(pageBytes, index)));
      // Pages leave a few at a time.
      if (index % 16 === 15) await outside.written();
    }
    let right = 0;
    for (const [index, page] of pages.entries()) {
      const read = await outside.read(page);
      const expected = makePage(pageBytes, index);
      right += Number(read?.length === pageBytes && read.every((byte, at) => byte === expected[at]));
    }
    return { ...outside.bytes, added: pages.length, right };
  }

  dispose(): void {
    this.#outside?.dispose();
  }

  /** Begins as a model that is loaded does. */
  async open(): Promise<boolean> {
    return (await StoredSlabs.open(database)) !== undefined;
  }

  /** Slabs in the database, of whomever. */
  async stored(): Promise<number> {
    return (await keys(createStore(database, "slabs"))).length;
  }

  async databases(): Promise<number> {
    return (await indexedDB.databases()).length;
  }
}

declare global {
  interface Window {
    away: AwayPage;
  }
}

window.away = new AwayPage();
