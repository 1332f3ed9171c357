import { readdirSync } from "node:fs";
import { join } from "node:path";
import { npx, run } from "./command.mjs";
import { fingerprint, readJson, root, say, whenChanged } from "./workspace.mjs";

/** The version is named in package.json, but not as "packageManager": pnpm then looks up itself for every platform, and fails where one is missing. */
const pnpm = `pnpm@${/** @type {{ config: { pnpm: string } }} */ (readJson(join(root, "package.json"))).config.pnpm}`;

const OLDEST_NODE = { major: 20, minor: 19 };

/**
 * Installs the workspace's packages as the lockfile says, unless they are there already.
 * Through npx, because pnpm itself need not be installed and corepack is broken on some builds of Node.
 */
export async function installDependencies() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < OLDEST_NODE.major || (major === OLDEST_NODE.major && minor < OLDEST_NODE.minor)) {
    throw new Error(
      `Node ${process.versions.node} is too old: Longtab needs ${OLDEST_NODE.major}.${OLDEST_NODE.minor} or newer (https://nodejs.org).`,
    );
  }
  const manifests = ["packages", "apps"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}/package.json`),
  );
  const sources = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "e2e/package.json", "bench/package.json", ...manifests];
  const modules = join(root, "node_modules");
  await whenChanged({
    stamp: join(modules, ".longtab-installed"),
    key: `${fingerprint(sources)} ${process.platform} ${process.arch}`,
    product: join(modules, ".modules.yaml"),
    make: async () => {
      say(`Installing packages with ${pnpm} ...`);
      const { command, args } = npx();
      // CI=true: pnpm asks nothing, and takes the lockfile as it is.
      const { status } = await run(command, [...args, "-y", pnpm, "install", "--frozen-lockfile"], {
        output: "stderr",
        env: { CI: "true" },
        seconds: 900,
      });
      if (status !== 0) {
        throw new Error(
          `Packages could not be installed (\`npx -y ${pnpm} install --frozen-lockfile\` ended with status ${status}). ` +
            "It needs the npm registry: check the network, or `npm config get registry` and `npm config get proxy`; what it printed above says more.",
        );
      }
    },
  });
}
