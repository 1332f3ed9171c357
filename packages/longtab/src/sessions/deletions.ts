const channel = "longtab-sessions deleted";

/** Tells every worker of the origin that a session is deleted: one that holds it would keep it again. */
export function tellDeleted(name: string): void {
  const telling = new BroadcastChannel(channel);
  telling.postMessage(name);
  telling.close();
}

/** As long as the worker lives. */
export function hearDeleted(hear: (name: string) => void): void {
  new BroadcastChannel(channel).addEventListener("message", ({ data }: MessageEvent<string>) => hear(data));
}
