// Asking again and again, one question at a time.

/** Asks at once and then every `every_ms` until the returned function is called; late answers are dropped. */
export function poll<T>(ask: () => Promise<T>, every_ms: number, onValue: (value: T) => void, onFault: (message: string) => void): () => void {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function round(): Promise<void> {
    try {
      const value = await ask();
      if (!stopped) onValue(value);
    } catch (error) {
      if (!stopped) onFault(error instanceof Error ? error.message : String(error));
    }
    if (!stopped) timer = setTimeout(() => void round(), every_ms);
  }
  void round();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
