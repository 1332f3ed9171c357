import type { Backend } from "@longtab/engine";
import { Session } from "@longtab/engine";
import { BytesSource } from "@longtab/formats";
import type { SnapshotFigures } from "../context/figures.ts";
import { median } from "../statistics.ts";
import type { Clock } from "./clock.ts";

/** Snapshots are compared by it when they are restored; here there is one model only. */
const fingerprint = "bench";

/** A session as bytes in memory and back into another one, so many times; medians. */
export async function measureSnapshot(backend: Backend, session: Session, times: number, clock: Clock): Promise<SnapshotFigures> {
  const runs: { write: number; restore: number; copy: number }[] = [];
  let bytes = 0;
  for (let run = 0; run < times; run++) {
    const started = clock();
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for await (const piece of session.snapshot(fingerprint)) pieces.push(piece);
    const written = clock();
    const whole = new Uint8Array(await new Blob(pieces).arrayBuffer());
    bytes = whole.length;
    const restoring = clock();
    const restored = new Session(backend);
    await restored.restore(new BytesSource(whole), fingerprint);
    const done = clock();
    whole.slice();
    const copied = clock();
    restored.dispose();
    runs.push({ write: written - started, restore: done - restoring, copy: copied - done });
  }
  const seconds = (name: keyof (typeof runs)[number]): number => median(runs.map((run) => run[name])) / 1000;
  return {
    tokens: session.length,
    bytes,
    writeSeconds: seconds("write"),
    restoreSeconds: seconds("restore"),
    copySeconds: seconds("copy"),
  };
}
