/** Bytes that are written beyond memory at once: pages that left one after the other, which are read and given back together as a rule. */
const slabBytes = 2 ** 20;

/** A place beyond memory for slabs of bytes, such as a database. Whoever is refused keeps what it has. */
export interface SlabDisk {
  /** Bytes that it may hold. */
  readonly limit: number;
  /** False where it is refused: there is no room, or no storage. */
  write(slab: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean>;
  /** Bytes [from, to) of a slab; undefined where they cannot be read. */
  read(slab: number, from: number, to: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  delete(slab: number): void;
  dispose(): void;
}

/** Where pages may be that are not in the pool. */
export interface AwayPlaces<Disk = SlabDisk> {
  /** Bytes that may be held in memory. */
  memory: number;
  disk?: Disk | undefined;
}

/** Pages of so many bytes that have room in such places, whatever the order in which they come and go. */
export function outsideRoom(pageBytes: number, { memory, disk }: AwayPlaces<Pick<SlabDisk, "limit">>): number {
  const slab = slabPages(pageBytes, memory) * pageBytes;
  // The oldest slab may hold little any more, and the newest little yet.
  return Math.max(0, Math.floor(memory / slab) + Math.floor((disk?.limit ?? 0) / slab) - 2) * slabPages(pageBytes, memory);
}

/** Pages that are written at once. */
export function slabPages(pageBytes: number, memory: number): number {
  return Math.max(1, Math.floor(Math.min(slabBytes, memory / 8) / pageBytes));
}
