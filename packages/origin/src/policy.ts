import { LongtabError } from "@longtab/errors";

/** What a Content-Security-Policy forbade. */
interface Violation {
  /** "worker-src" */
  directive: string;
  /** An address, or a scheme: "blob". */
  blocked: string;
  at: number;
}

/** Fetched later in a page's life, from somewhere that its policy may not know. */
export type Directive = "script-src" | "connect-src" | "worker-src";

/** A failure is explained by what was forbidden this shortly before; milliseconds. */
const recent = 2000;
const mostSeen = 20;

const seen: Violation[] = [];

// The event bubbles up to a page's window, and is a worker's own; Node has neither.
(globalThis as Partial<typeof globalThis>).addEventListener?.("securitypolicyviolation", (event) => {
  const { effectiveDirective, blockedURI } = event;
  seen.push({ directive: effectiveDirective.replace(/-elem$/, ""), blocked: blockedURI, at: performance.now() });
  if (seen.length > mostSeen) seen.shift();
});

/**
 * The error that says which directive of the page's policy has just forbidden what failed; undefined where none did.
 * @param url what was to be fetched, where that is known.
 */
export async function findBlock(directive: Directive, url?: string): Promise<LongtabError | undefined> {
  // The event comes after the failure that it explains.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const violation = seen.findLast(
    (one) => one.directive === directive && performance.now() - one.at < recent && (url === undefined || url.startsWith(one.blocked)),
  );
  return violation && policyError(directive, violation.blocked);
}

const doings: Record<Directive, string> = {
  "script-src": "Longtab’s scripts",
  "connect-src": "this download",
  "worker-src": "Longtab’s worker",
};

/** @param blocked an address, or a scheme without its colon. */
export function policyError(directive: Directive, blocked: string): LongtabError {
  const source = URL.canParse(blocked) ? new URL(blocked).origin : `${blocked}:`;
  return new LongtabError({
    code: "policy-blocked",
    what: `This page’s Content-Security-Policy forbids ${doings[directive]}`,
    value: blocked,
    limit: directive,
    remedy: `add ${source} to its ${directive} directive`,
  });
}
