// Prints one line of JSON: the adapter that the npm package `webgpu` (Dawn) finds under this process's environment, or null.
// A process of its own, because the Vulkan driver is chosen once per process and a broken one may crash it.

import { create } from "webgpu";

const adapter = await create([]).requestAdapter();
// Some drivers list an adapter that cannot make a device.
const device = await adapter?.requestDevice();
const info = device?.adapterInfo;
console.log(JSON.stringify(info ? { vendor: info.vendor, architecture: info.architecture, description: info.description } : null));
// Dawn's threads would keep the process alive.
process.exit(0);
