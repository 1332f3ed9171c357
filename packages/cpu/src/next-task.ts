/** Lets what waits in the event loop run: messages (an abort among them) and timers. Microseconds, where setTimeout would take milliseconds. */
export async function nextTask(): Promise<void> {
  if (typeof setImmediate === "function") return new Promise((resolve) => setImmediate(resolve));
  const { port1, port2 } = new MessageChannel();
  await new Promise((resolve) => {
    port2.addEventListener("message", resolve, { once: true });
    port2.start();
    port1.postMessage(undefined);
  });
  port1.close();
}
