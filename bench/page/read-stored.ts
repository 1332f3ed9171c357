/** Database and object store of packages/weights/src/database.ts; chunks have the keys ["chunk", name, index]. */
const database = "longtab-weights";
const store = "weights";

export interface RawFigures {
  bytes: number;
  readSeconds: number;
  uploadSeconds: number;
}

/**
 * What any loader must do at least: reads every stored chunk of this profile from IndexedDB, one after another, and writes its bytes to the GPU.
 * Nothing is checked, parsed or re-laid.
 */
export async function readStored(): Promise<RawFigures> {
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) throw new Error("There is no WebGPU adapter.");
  const device = await adapter.requestDevice();
  const opened = await request(indexedDB.open(database));
  const objects = (): IDBObjectStore => opened.transaction(store).objectStore(store);
  const keys = (await request(objects().getAllKeys())).filter((key) => Array.isArray(key) && key[0] === "chunk");
  const figures: RawFigures = { bytes: 0, readSeconds: 0, uploadSeconds: 0 };
  for (const key of keys) {
    const started = performance.now();
    const value: unknown = await request(objects().get(key));
    const bytes = value instanceof Blob ? await value.arrayBuffer() : (value as Uint8Array<ArrayBuffer>).slice().buffer;
    const read = performance.now();
    const buffer = device.createBuffer({
      size: Math.ceil(bytes.byteLength / 4) * 4,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, bytes, 0, Math.floor(bytes.byteLength / 4) * 4);
    await device.queue.onSubmittedWorkDone();
    figures.bytes += bytes.byteLength;
    figures.readSeconds += (read - started) / 1000;
    figures.uploadSeconds += (performance.now() - read) / 1000;
  }
  opened.close();
  device.destroy();
  return figures;
}

async function request<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.addEventListener("success", () => resolve(asked.result));
    asked.addEventListener("error", () => reject(asked.error ?? new Error("IndexedDB failed.")));
  });
}
