/** Ink, paper and the colours of the policies, for light pages and for dark ones. */
const light = {
  paper: "#ffffff",
  ink: "#1f2328",
  muted: "#656d76",
  grid: "#d8dee4",
  dense: "#57606a",
  streaming: "#0969da",
  duo: "#1a7f5a",
  quest: "#b35900",
  both: "#8250df",
  far: "#a0447a",
  auto: "#cf222e",
};

const dark: typeof light = {
  paper: "#0d1117",
  ink: "#e6edf3",
  muted: "#9198a1",
  grid: "#343b44",
  dense: "#b1bac4",
  streaming: "#6cb6ff",
  duo: "#57c4a0",
  quest: "#f0a04b",
  both: "#c297ff",
  far: "#e58ac0",
  auto: "#ff7b72",
};

const rules = `
text { font-family: system-ui, -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; fill: var(--ink) }
.head { font-size: 20px; font-weight: 700 }
.lede { font-size: 14px }
.panel { font-size: 14px; font-weight: 600 }
.tick, .note { font-size: 12px; fill: var(--muted) }
.grid { stroke: var(--grid) }
.axis { stroke: var(--muted) }
.window { stroke: var(--muted); stroke-dasharray: 2 4 }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
.line.auto { stroke-width: 3.5 }
.lead { stroke-width: 1 }
.name { font-size: 13px; paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round }
.name.auto { font-weight: 700 }`;

const policies = ["dense", "streaming", "duo", "quest", "both", "far", "auto"] as const;

/** The picture's style element. Readers who prefer a dark page get the dark colours wherever the file is shown. */
export const style = `<style>
svg { ${variables(light)} }
@media (prefers-color-scheme: dark) { svg { ${variables(dark)} } }
${rules}
${policies.map((name) => `.line.${name}, .lead.${name} { stroke: var(--${name}) } .name.${name}, .point.${name} { fill: var(--${name}) }`).join("\n")}
</style>`;

function variables(colours: typeof light): string {
  return Object.entries(colours)
    .map(([name, value]) => `--${name}: ${value}`)
    .join("; ");
}
