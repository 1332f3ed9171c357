import type { AdapterReport } from "@longtab/gpu";

/** An adapter's name and limits on two lines. */
export function describeAdapter({ vendor, architecture, description, software, features, limits }: AdapterReport): string {
  const name = description || [vendor, architecture].filter(Boolean).join(" ") || "unknown adapter";
  const has = Object.entries({ f16: features.shaderF16, subgroups: features.subgroups, timestamps: features.timestamps });
  const mebibytes = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MiB`;
  return [
    `${name}${software ? " (software: a processor plays the GPU)" : ""}; ${has.map(([feature, there]) => `${there ? "" : "no "}${feature}`).join(", ")}`,
    `buffers up to ${mebibytes(limits.maxBufferSize)}, bindings up to ${mebibytes(limits.maxStorageBufferBindingSize)}, ` +
      `${limits.maxComputeInvocationsPerWorkgroup} invocations and ${limits.maxComputeWorkgroupStorageSize / 1024} KiB a workgroup`,
  ].join("\n");
}
